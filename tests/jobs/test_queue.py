"""The queue: requests, limits, claims, lost workers, expired files, old jobs."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db.models.functions import Now
from django.utils import timezone

from predictor.history.batches import WRITTEN_AT_ONCE
from predictor.jobs import queue
from predictor.jobs.errors import JobRefused
from predictor.jobs.queue import ask, ask_without_account, claim, of_worker, recover
from predictor.models import Job, Worker
from predictor.models.jobs import SILENT

from .conftest import state, stored_files

pytestmark = pytest.mark.django_db


def test_a_job_needs_its_kinds_permission(kind):
    with pytest.raises(PermissionDenied):
        ask("example", User.objects.create_user("nobody"))
    assert not Job.objects.exists()


def test_the_same_request_twice_is_one_job(asked):
    assert asked(rows=1) == asked(rows=1) != asked(rows=2)
    assert Job.objects.count() == 2


def test_arguments_may_have_any_names(kind, owner):
    arguments = {"kind": "asking", "by": "anna"}
    assert ask("example", owner, **arguments).arguments == arguments


def test_a_user_has_a_limited_number_of_open_jobs(asked, monkeypatch, in_english):
    monkeypatch.setattr(queue, "MOST_OPEN", 2)
    first, _second = asked(rows=1), asked(rows=2)
    with pytest.raises(JobRefused, match="too many"):
        asked(rows=3)
    queue.stop(first)
    assert asked(rows=3).state == "queued"


@pytest.mark.parametrize(
    ("limit", "clients", "message"),
    [
        ("MOST_OF_CLIENT", "aa", "You have too many jobs waiting. Withdraw some, or wait."),
        ("MOST_OF_CLIENTS", "ab", "Too many jobs are waiting. Try again later."),
    ],
)
def test_clients_without_an_account_have_a_limited_number_of_open_jobs(
    kind, db, monkeypatch, in_english, limit, clients, message
):
    monkeypatch.setattr(queue, limit, 1)
    first, other = clients
    job = ask_without_account("example", first, rows=1)
    assert (job.by, job.state, job.arguments) == (None, "queued", {"rows": 1, "client": first})
    with pytest.raises(JobRefused) as refused:
        ask_without_account("example", other, rows=2)
    assert str(refused.value) == message
    queue.stop(job)
    assert ask_without_account("example", other, rows=2).state == "queued"


def test_only_one_retraining_is_open(owner):
    ask("retrain", owner, scheme="coded", with_reviewed=False)
    with pytest.raises(JobRefused):
        ask("retrain", owner, scheme="graded", with_reviewed=False)
    assert Job.objects.count() == 1


def test_a_finished_job_is_requested_again_with_its_arguments(asked, worker, owner):
    first = asked(rows=3)
    worker.one()
    again = ask("example", owner, **first.arguments)
    assert (again.state, again.arguments) == ("queued", {"rows": 3})
    assert again != first


def test_the_oldest_is_claimed_first_and_once(asked):
    first, second = asked(rows=1), asked(rows=2)
    ours, theirs = uuid4(), uuid4()
    assert [claim(ours), claim(theirs), claim(ours)] == [first, second, None]
    assert of_worker(first, ours).exists()
    assert not of_worker(first, theirs).exists()


def test_of_two_that_claim_one_job_one_gets_it(asked, monkeypatch):
    job = asked()
    waiting = Job.objects.filter(state="queued")
    rows = list(waiting)
    assert claim(uuid4()) == job
    assert waiting.filter(pk=rows[0].pk).update(state="running") == 0


LOST = [
    # how the worker was lost, the job before, whether the kind repeats, the job afterwards
    ("ended", {}, True, ("queued", 1)),
    ("silent", {}, True, ("queued", 1)),
    ("ended", {"losses": 2}, True, ("failed", 3)),
    ("ended", {"stop_requested": True}, True, ("stopped", 0)),
    ("ended", {}, False, ("lost", 0)),
    ("alive", {}, True, ("running", 0)),
]


@pytest.mark.parametrize(("how", "before", "repeats", "after"), LOST)
def test_a_job_whose_worker_is_lost(kind, asked, settings, worker, how, before, repeats, after):
    kind(repeats=repeats)
    claim_of = Worker.objects.create(pk=uuid4(), name="other:1", seen=Now())
    job = claim(claim_of.pk) if asked() else None
    default_storage.save("jobs/1-half.csv", ContentFile(b"half"))
    Job.objects.update(file="jobs/1-half.csv", **before)
    if how == "silent":
        Job.objects.update(heartbeat=timezone.now() - SILENT - timedelta(seconds=1))
    recover([claim_of.pk] if how == "ended" else [])
    job.refresh_from_db()
    assert (job.state, job.losses) == after
    assert (job.file, stored_files(settings)) == (
        ("jobs/1-half.csv", ["1-half.csv"]) if how == "alive" else ("", [])
    )
    assert Worker.objects.filter(pk=claim_of.pk).exists() == (how != "ended")
    assert bool(job.outcome) == (after[0] == "failed")


def test_a_silent_worker_is_missing(db):
    assert queue.is_worker_missing()
    worker = Worker.objects.create(pk=uuid4(), name="here:1", seen=Now())
    assert not queue.is_worker_missing()
    Worker.objects.update(seen=timezone.now() - SILENT - timedelta(seconds=1))
    assert queue.is_worker_missing()
    recover()
    assert not Worker.objects.filter(pk=worker.pk).exists()


def test_a_file_is_deleted_when_it_expires(asked, worker, settings):
    asked()
    job = worker.one()
    queue.delete_expired()
    assert len(stored_files(settings)) == 1
    Job.objects.update(expires=timezone.now() - timedelta(seconds=1))
    queue.delete_expired()
    job.refresh_from_db()
    assert (job.state, job.file, job.expires, stored_files(settings)) == ("done", "", None, [])


OLD = [
    # the job, the setting in days, whether it is deleted
    ({"state": "done"}, 90, True),
    ({"state": "failed"}, 90, True),
    ({"state": "done"}, 0, False),
    ({"state": "done"}, 92, False),
    ({"state": "queued"}, 90, False),
    ({"state": "running"}, 90, False),
    ({"state": "done", "file": "jobs/1-ab-example.csv"}, 90, False),
]


@pytest.mark.parametrize(("job", "days", "is_deleted"), OLD)
def test_an_old_job_is_deleted_once_it_has_no_file(asked, settings, worker, job, days, is_deleted):
    asked()
    Job.objects.update(created=timezone.now() - timedelta(days=91), **job)
    settings.JOB_KEPT_DAYS = days
    worker._recover()
    assert Job.objects.exists() is not is_deleted


def test_old_jobs_are_deleted_in_short_transactions(asked, worker, django_assert_num_queries):
    Job.objects.bulk_create(
        Job(kind="example", state="done", created=timezone.now() - timedelta(days=91))
        for _ in range(2 * WRITTEN_AT_ONCE + 1)
    )
    with django_assert_num_queries(1 + 3):
        queue.delete_old_jobs()
    assert not Job.objects.exists()


def test_a_job_that_waits_is_withdrawn(asked):
    queue.stop(asked())
    assert state() == "stopped"
    assert claim(uuid4()) is None


def test_counts_for_the_metrics(asked, worker):
    asked(rows=1), asked(rows=2)
    Job.objects.update(created=timezone.now() - timedelta(minutes=1))
    numbers, age, workers = queue.figures()
    assert (numbers["queued"], numbers["done"], workers) == (2, 0, 0)
    assert 60 <= age < 120
    worker.one(), worker.one()
    worker.beat()
    assert queue.figures() == (numbers | {"queued": 0, "done": 2}, 0, 1)
