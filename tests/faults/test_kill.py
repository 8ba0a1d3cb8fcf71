"""Workers are killed under load: all answers are recorded, and other workers answer at once."""

import random
import time
from statistics import median

from tests.waiting import wait_for

from .history import assert_recorded
from .load import Load

KILLS = 12


def test_answers_outlive_the_workers_that_gave_them(site, stones):
    choose = random.Random(6)
    begun = time.monotonic()
    with site.server() as server, Load([server.port], stones) as load:
        start = time.monotonic() - begun
        outages = [seconds_without_answer(server, load, choose) for _ in range(KILLS)]
    assert {exchange.status for exchange in load.exchanges} <= {200, 0}
    assert server.log_text().count("SIGKILL") >= KILLS
    assert_recorded(load.answers())
    assert median(outages) < start, outages


def seconds_without_answer(server, load, choose):
    """Kills one worker or both at a random moment; seconds until a later request is answered.

    Remaining workers answer; if there are none, a new worker need not start as slowly as the server
    did.
    """
    time.sleep(choose.uniform(0.1, 0.6))
    workers = wait_for(server.workers, server.log_text)
    killed = time.monotonic()
    server.kill(*choose.sample(workers, choose.randint(1, len(workers))))
    answers = wait_for(lambda: answered_since(load, killed), server.log_text)
    return min(answers) - killed


def answered_since(load, moment):
    """When the requests that began after a moment were answered."""
    recent = load.exchanges[-1000:]
    return [exchange.ended for exchange in recent if exchange.begun > moment and exchange.answers]
