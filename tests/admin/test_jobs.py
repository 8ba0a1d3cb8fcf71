"""Retraining from the admin: a job is queued, run by the worker and shown; a lost worker does not block."""

from dataclasses import replace
from datetime import timedelta

import pytest
from django.core.management import call_command
from django.urls import reverse
from django.utils import timezone
from django_tasks_db.models import DBTaskResult

from ml import dataset
from predictor.models import Activation, ModelVersion, RetrainJob
from predictor.retraining import jobs
from predictor.retraining.services import only_one

ADD = reverse("admin:predictor_retrainjob_add")
LIST = reverse("admin:predictor_retrainjob_changelist")
pytestmark = pytest.mark.django_db


@pytest.fixture
def few_stones(few, tmp_path, monkeypatch):
    """The worker trains on a few rows instead of the whole table."""
    path = tmp_path / "few.csv"
    few.to_csv(path, index=False)
    table = replace(dataset.read(path), sha256=dataset.own_sha256())
    monkeypatch.setattr(dataset, "read", lambda *_, **options: table)


def ask(client, scheme="coded", **more):
    return client.post(ADD, {"scheme": scheme, **more}, follow=True)


def test_a_maintainer_asks_and_the_worker_does_it(member, live_models, few_stones):
    page = ask(member("maintainer"), with_reviewed="on")
    job = RetrainJob.objects.get()
    assert (job.state, job.by, job.with_reviewed) == ("queued", "a-maintainer", True)
    assert '<meta http-equiv="refresh" content="3">' in page.text
    assert DBTaskResult.objects.count() == 1
    jobs.run.call(job.pk)
    job.refresh_from_db()
    assert job.state == "done"
    assert job.done == job.total > 0
    assert job.version == ModelVersion.objects.get(scheme="coded", number=2)
    assert job.version.created_by == "a-maintainer"
    assert "0 reviewed answers" in job.outcome
    live = Activation.objects.get(scheme="coded", live=True).version == job.version
    assert ("activated:" in job.outcome) is live
    text = member("reviewer").get(LIST)
    assert text.status_code == 403


def test_one_at_a_time(member, live_models):
    maintainer = member("maintainer")
    ask(maintainer)
    page = ask(maintainer, "graded")
    assert "A retraining is waiting or running already." in page.text
    assert RetrainJob.objects.count() == DBTaskResult.objects.count() == 1


def test_a_job_whose_worker_is_gone_is_marked_lost_and_blocks_nobody(member, live_models):
    maintainer = member("maintainer")
    long_ago = timezone.now() - timedelta(minutes=5)
    RetrainJob.objects.create(scheme="coded", state="running", heard=long_ago)
    assert "lost: the worker stopped" in maintainer.get(LIST).text
    ask(maintainer)
    assert [job.state for job in RetrainJob.objects.all()] == ["queued", "lost"]


def test_a_job_that_is_lost_is_not_begun_after_all(live_models):
    job = RetrainJob.objects.create(scheme="coded", state="lost")
    jobs.run.call(job.pk)
    assert ModelVersion.objects.count() == 2


def test_a_retraining_that_runs_elsewhere_is_told(live_models, few_stones, monkeypatch):
    job = RetrainJob.objects.create(scheme="coded", by="max")
    with only_one():
        jobs.run.call(job.pk)
    job.refresh_from_db()
    assert (job.state, job.outcome) == ("failed", "a retraining is running already")
    assert job.ended


def test_a_fault_is_told_and_raised(live_models, few_stones, monkeypatch):
    job = RetrainJob.objects.create(scheme="coded")
    monkeypatch.setattr(dataset, "read", lambda *_, **options: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        jobs.run.call(job.pk)
    job.refresh_from_db()
    assert (job.state, job.outcome) == ("failed", "ZeroDivisionError: division by zero")
    with only_one():
        pass  # the lock is free


def test_a_reviewer_does_not_retrain(member, live_models):
    reviewer = member("reviewer")
    assert ask(reviewer).status_code == 403
    assert reviewer.get(ADD).status_code == 403
    assert not RetrainJob.objects.exists()


@pytest.mark.parametrize("scheme", ["", "both", "coded\0"])
def test_an_unknown_scheme_is_told(member, live_models, scheme):
    page = ask(member("maintainer"), scheme)
    assert page.status_code == 200
    assert not RetrainJob.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_the_worker_of_django_tasks_takes_it_from_the_queue(live_models, few_stones):
    jobs.ask("coded", False, "max")
    call_command("db_worker", batch=True, interval=0, startup_delay=False, verbosity=0)
    job = RetrainJob.objects.get()
    assert (job.state, job.version.number) == ("done", 2)
    assert DBTaskResult.objects.get().status == "SUCCESSFUL"
