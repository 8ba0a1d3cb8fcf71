"""The one way in which tests wait for what comes about by itself: as long as it takes."""

import time

PATIENCE = 120
"""Seconds after which a test gives up: many times what anything takes on a machine that is busy."""


def wait_for(condition, explain=str):
    """What the condition gives, once it holds; AssertionError with the explanation if it never does."""
    deadline = time.monotonic() + PATIENCE
    while not (found := condition()):
        assert time.monotonic() < deadline, f"not within {PATIENCE} s; {explain()}"
        time.sleep(0.02)
    return found
