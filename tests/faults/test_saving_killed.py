"""The process that saves a file of actual prices is killed: all of it is saved or nothing."""

import subprocess
import sys
from uuid import UUID

from django.conf import settings
from django.contrib.auth.models import User

from predictor.history.batches import WRITTEN_AT_ONCE
from predictor.models import ModelVersion, Prediction, Review
from tests.waiting import PATIENCE

MANY = WRITTEN_AT_ONCE + 50
SAVE = """
import os, signal, sys, django
django.setup()
from django.contrib.auth.models import User
from predictor.review import judging, saving

def kill(*_):
    os.kill(os.getpid(), signal.SIGKILL)

visible, complete, calls = saving._make_visible, saving.complete_history, []
if sys.argv[1] == "before the commit":
    saving._make_visible = lambda *args: (visible(*args), kill())
if sys.argv[1] == "after it":
    saving.complete_history = lambda ids: kill() if calls else calls.append(complete(ids))
judging.read_prices(sys.stdin.buffer.read(), "prices.csv", User.objects.get(username="rita"))
"""


def test_a_kill_leaves_all_or_nothing_and_the_next_upload_completes_it(site):
    with site.in_this_process():
        User.objects.create_user("rita")
        answered = {"status": 200, "price": 1000, "low": 900, "high": 1100, "latency_ms": 1}
        answered |= {"scheme": "coded", "version": ModelVersion.objects.first()}
        rows = [Prediction(id=UUID(int=place), **answered) for place in range(1, MANY + 1)]
        Prediction.objects.bulk_create(rows)
        environment = site.server().environment | {"DJANGO_SETTINGS_MODULE": "diamondsite.settings"}
        file = "id,price\n" + "".join(f"{row.pk},1010\n" for row in rows)
        outcomes = []
        for moment in ("before the commit", "after it", "never"):
            done = subprocess.run(
                [sys.executable, "-c", SAVE, moment],
                cwd=settings.BASE_DIR,
                env=environment,
                input=file.encode(),
                timeout=PATIENCE,
                check=False,
            )
            outcomes.append((done.returncode, Review.objects.count(), Review.history.count()))
        assert outcomes == [(-9, 0, 0), (-9, MANY, 0), (0, MANY, MANY)]
        assert {*Review.history.values_list("history_type", "actual_price")} == {("+", 1010)}
