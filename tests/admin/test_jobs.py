"""Jobs in the admin: who sees them, their pages and buttons, their files; retrainings as jobs."""

from dataclasses import replace
from uuid import uuid4

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission
from django.db.models.functions import Now
from django.urls import reverse

from ml import dataset
from predictor.jobs.files import download_name
from predictor.jobs.queue import claim
from predictor.models import Activation, Job, ModelVersion, Worker
from predictor.retraining.lock import only_one

RETRAIN = reverse("admin:job-retrain")
LIST = reverse("admin:predictor_job_changelist")
pytestmark = pytest.mark.django_db


@pytest.fixture
def few_stones(few, tmp_path, monkeypatch):
    """The worker trains on a few rows instead of the whole table."""
    path = tmp_path / "few.csv"
    few.to_csv(path, index=False)
    table = replace(dataset.read(path), sha256=dataset.own_sha256())
    monkeypatch.setattr(dataset, "read", lambda *_, **options: table)


def ask(client, scheme="coded", **more):
    return client.post(RETRAIN, {"scheme": scheme, **more}, follow=True)


def act(client, job, name):
    """Presses a button of a job's page."""
    return client.post(reverse(f"admin:job-{name}", args=[job.pk]), follow=True)


def page_of(client, job):
    return client.get(reverse("admin:predictor_job_change", args=[job.pk]))


def test_a_maintainer_requests_a_retraining_and_the_worker_does_it(
    member, live_models, few_stones, worker
):
    maintainer = member("maintainer")
    page = ask(maintainer, with_reviewed="on")
    job = Job.objects.get()
    assert (job.state, job.by) == ("queued", maintainer.user)
    assert job.arguments == {"scheme": "coded", "with_reviewed": True}
    logged = LogEntry.objects.values_list("user", "object_repr", "change_message")
    what = f"{job}: coded, with reviewed predictions"
    assert [*logged] == [(maintainer.user.pk, what, "retrain")]
    assert '<noscript><meta http-equiv="refresh" content="3"></noscript>' in page.text
    assert 'hx-trigger="every 2s"' in page.text
    assert "No worker is running" in page.text
    job = worker.one()
    assert (job.state, job.done) == ("done", job.total)
    version = ModelVersion.objects.get(scheme="coded", number=2)
    assert job.result == {"version": version.pk}
    assert version.created_by == "a-maintainer"
    assert "0 reviewed answers" in job.outcome
    live = Activation.objects.get(scheme="coded", live=True).version == version
    assert (": activated:" in job.outcome) is live
    page = page_of(maintainer, job)
    assert "hx-trigger" not in page.text
    assert reverse("admin:predictor_modelversion_change", args=[version.pk]) in page.text


def test_a_retraining_that_begins_again_keeps_its_version(member, live_models, few_stones, worker):
    """As after a kill between the registration and the end of the job."""
    ask(member("maintainer"))
    version = worker.one().result["version"]
    Activation.objects.filter(version=version).delete()
    Activation.objects.filter(scheme="coded").update(live=True)
    Job.objects.update(state="queued", outcome="")
    job = worker.one()
    assert (job.state, job.result) == ("done", {"version": version})
    assert ModelVersion.objects.filter(scheme="coded").count() == 2
    live = Activation.objects.filter(version=version, live=True).count()
    assert live == (": activated:" in job.outcome)


def test_one_retraining_at_a_time(member, someone, live_models):
    ask(member("maintainer"))
    page = ask(someone("other", "maintainer"), "graded")
    assert "A job of this kind is waiting or running already." in page.text
    assert Job.objects.count() == 1


def test_a_retraining_that_runs_elsewhere_is_reported(member, live_models, few_stones, worker):
    ask(member("maintainer"))
    with only_one():
        job = worker.one()
    assert (job.state, job.outcome) == ("failed", "a retraining is running already")


def test_a_reviewer_does_not_retrain(member, live_models):
    reviewer = member("reviewer")
    assert ask(reviewer).status_code == 403
    assert reviewer.get(RETRAIN).status_code == 403
    assert not Job.objects.exists()


@pytest.mark.parametrize("scheme", ["", "both", "coded\0"])
def test_an_unknown_scheme_is_refused(member, live_models, scheme):
    assert ask(member("maintainer"), scheme).status_code == 200
    assert not Job.objects.exists()


@pytest.fixture
def exported(someone, live_models):
    """A job of the reviewer rita, and her client."""
    rita = someone("rita", "reviewer")
    job = Job.objects.create(
        kind="export", by=rita.user, arguments={"ending": "csv", "query": "status=200"}
    )
    return job, rita


def test_a_job_is_seen_by_its_user_and_by_maintainers(exported, someone):
    job, rita = exported
    addresses = [
        reverse("admin:predictor_job_change", args=[job.pk]),
        reverse("admin:job-stop", args=[job.pk]),
        reverse("admin:job-file", args=[job.pk]),
    ]
    other = someone("other", "reviewer")
    assert [other.get(address).status_code for address in addresses] == [302, 404, 404]
    assert "csv, status=200" not in other.get(LIST).text
    assert Job.objects.get().state == "queued"
    for client in (rita, someone("max", "maintainer")):
        assert "csv, status=200" in client.get(LIST).text
        assert "csv, status=200" in page_of(client, job).text


def test_who_may_only_see_jobs_neither_stops_them_nor_gets_their_files(
    exported, answers, someone, worker
):
    job, _rita = exported
    auditor = someone("auditor")
    auditor.user.user_permissions.add(Permission.objects.get(codename="view_job"))
    page = page_of(auditor, job)
    assert ("csv, status=200" in page.text, "Withdraw" in page.text) == (True, False)
    assert act(auditor, job, "stop").status_code == 403
    assert worker.one().state == "done"
    assert "Request again" not in page_of(auditor, job).text
    address = reverse("admin:job-file", args=[job.pk])
    assert auditor.get(address).status_code == 403
    maintainer = someone("max", "maintainer")
    name = download_name(Job.objects.get())
    for client, linked in ((auditor, False), (maintainer, True)):
        for page in (client.get(LIST), page_of(client, job)):
            assert (f"{name} (3 rows" in page.text) is not linked
            assert (f'href="{address}"' in page.text) is linked
    response = maintainer.get(address)
    assert len(b"".join(response.streaming_content).splitlines()) == 4


def test_a_job_is_withdrawn_and_requested_again(exported):
    job, rita = exported
    page = act(rita, job, "stop")
    job.refresh_from_db()
    assert (job.state, "stopped" in page.text) == ("stopped", True)
    assert "Request again" in page.text
    page = act(rita, job, "again")
    again = Job.objects.latest("pk")
    assert (again.state, again.arguments) == ("queued", job.arguments)
    logged = LogEntry.objects.order_by("pk").values_list("change_message", flat=True)
    assert [*logged] == ["stopped", "export"]
    assert "Withdraw" in page.text


def test_a_job_that_runs_is_stopped(exported):
    job, rita = exported
    claim(uuid4())
    page = act(rita, job, "stop")
    job.refresh_from_db()
    assert (job.state, job.stop_requested) == ("running", True)
    assert "The job stops at its next step." in page.text


def test_an_open_job_is_not_requested_again(exported):
    job, rita = exported
    act(rita, job, "again")
    assert Job.objects.count() == 1


def test_the_file_of_an_export_is_downloaded(exported, answers, worker):
    job, rita = exported
    assert rita.get(reverse("admin:job-file", args=[job.pk])).status_code == 404
    job = worker.one()
    page = page_of(rita, job)
    assert "3 rows" in page.text
    response = rita.get(reverse("admin:job-file", args=[job.pk]))
    lines = b"".join(response.streaming_content).decode().splitlines()
    assert len(lines) == 1 + job.rows == 4
    assert response["Content-Length"] == str(job.size)
    assert response["Content-Disposition"].startswith('attachment; filename="predictions-')


@pytest.mark.parametrize("is_alive", [True, False])
def test_the_pages_warn_if_no_worker_runs(exported, is_alive):
    job, rita = exported
    if is_alive:
        Worker.objects.create(pk=uuid4(), name="here:1", seen=Now())
    pages = rita.get(LIST), page_of(rita, job), rita.get(reverse("admin:index"))
    assert ["No worker is running" in page.text for page in pages] == [not is_alive] * 3
