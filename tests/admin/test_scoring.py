"""The list of scoring runs in the admin."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from predictor.models import ScoringRun

LIST = reverse("admin:predictor_scoringrun_changelist")
pytestmark = pytest.mark.django_db


@pytest.fixture
def run(live_models):
    return ScoringRun.objects.create(
        by="anna",
        input="s3://bucket/in/*.parquet",
        output="/data/out",
        scheme="graded",
        workers="2",
        version=live_models["graded"],
        state="done",
        rows=1_234_567,
        errors=89,
        warned=4321,
        seconds=61.5,
        ended=timezone.now(),
    )


@pytest.mark.parametrize("group", ["reviewer", "maintainer"])
def test_both_roles_read_who_priced_what(member, group, run):
    client = member(group)
    page = client.get(LIST).text
    for told in ("anna", "s3://bucket/in/*.parquet", "/data/out", "1,234,567", "89", "4,321"):
        assert told in page, told
    own = client.get(reverse("admin:predictor_scoringrun_change", args=[run.pk])).text
    assert "graded 1" in own
    assert "61.5" in own


def test_nobody_adds_changes_or_deletes_one(reviewer, run):
    for act, arguments in (("add", []), ("delete", [run.pk])):
        address = reverse(f"admin:predictor_scoringrun_{act}", args=arguments)
        assert reviewer.post(address, {"post": "yes"}).status_code == 403
    reviewer.post(reverse("admin:predictor_scoringrun_change", args=[run.pk]), {"rows": 1})
    run.refresh_from_db()
    assert run.rows == 1_234_567


def test_who_has_no_role_sees_none(member, run):
    assert member().get(LIST).status_code == 403


def test_a_run_that_is_silent_is_marked_lost(reviewer, run):
    old = timezone.now() - timedelta(minutes=5)
    ScoringRun.objects.update(state="running", heard=old, ended=None)
    assert "lost: the process stopped" in reviewer.get(LIST).text
    run.refresh_from_db()
    assert run.state == "lost"


def test_they_can_be_searched(reviewer, run):
    assert "anna" in reviewer.get(LIST, {"q": "bucket"}).text
    assert "anna" not in reviewer.get(LIST, {"q": "nothing"}).text
