"""The history is partitioned and pruned while a server records prices: none fails, and none is lost."""

import pytest

from predictor.history import partitions
from predictor.models import Prediction
from tests.waiting import wait_for

from .conftest import run
from .history import assert_recorded
from .load import Load

pytestmark = pytest.mark.postgresql


def test_prices_are_recorded_while_the_history_is_partitioned(site, stones):
    with site.server() as server, Load([server.port], stones) as load:
        for arguments in (
            ["partition_history"],
            ["partition_history"],
            ["prune_predictions", "--older-than", "1d"],
        ):
            answers = len(load.answers())
            wait_for(lambda answers=answers: len(load.answers()) > answers + 100)
            run(site, *arguments)
    assert load.failed() == []
    assert_recorded(load.answers())
    [first] = [one for one in partitions.partitions() if "before" in one.name]
    assert Prediction.objects.filter(pk__lt=partitions.first_id(first.end)).exists()
