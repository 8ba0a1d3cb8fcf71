"""How tests wait for something that happens in another thread or process: as long as it takes."""

import time

PATIENCE = 120
"""Seconds after which a test gives up: many times what anything takes on a busy machine."""


def wait_for(condition, explain=str):
    """Waits until the condition is true and returns its value; AssertionError with the explanation
    after PATIENCE seconds."""
    deadline = time.monotonic() + PATIENCE
    while not (found := condition()):
        assert time.monotonic() < deadline, f"not within {PATIENCE} s; {explain()}"
        time.sleep(0.02)
    return found
