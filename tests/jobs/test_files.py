"""The file of a job is sent by the server, by nginx, or by the store."""

import os
import time

import pytest
import requests
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage, storages

from diamondsite.settings import forests_in
from predictor.jobs import files
from predictor.jobs.files import file_response
from predictor.models import Job
from tests.stores import BUCKET
from tests.waiting import PATIENCE

pytestmark = pytest.mark.once


@pytest.fixture
def job(settings, tmp_path):
    """A job with a file."""
    settings.MEDIA_ROOT = tmp_path
    return Job(file=default_storage.save("jobs/1-ab-a b.csv", ContentFile(b"rows")))


def test_by_the_server_from_the_file_itself(job):
    response = file_response(job)
    assert response.file_to_stream.fileno() > 0
    assert (response["Content-Length"], response.getvalue()) == ("4", b"rows")
    response.file_to_stream.close()
    assert response["Content-Disposition"].startswith("attachment; filename=")


def test_by_nginx(job, settings):
    settings.ACCEL_REDIRECT = "/protected"
    response = file_response(job)
    assert response["X-Accel-Redirect"] == f"/protected/{job.file.replace(' ', '%20')}"
    assert (response.content, response["Content-Type"]) == (b"", "text/csv")


def test_by_the_store_at_a_signed_address_by_range(settings, monkeypatch, s3_server):
    settings.FOREST_STORE = f"s3://{BUCKET}/site"
    monkeypatch.setattr(
        files, "default_storage", storages.create_storage(forests_in(settings.FOREST_STORE))
    )
    job = Job(file=files.default_storage.save("jobs/1-ab-a b.csv", ContentFile(b"id,price")))
    response = file_response(job)
    assert response.status_code == 302
    assert "X-Amz-Signature=" in response["Location"]
    whole = requests.get(response["Location"], timeout=PATIENCE)
    assert whole.content == b"id,price"
    assert whole.headers["Content-Disposition"].startswith("attachment; filename=")
    part = requests.get(response["Location"], headers={"Range": "bytes=3-5"}, timeout=PATIENCE)
    assert (part.status_code, part.content) == (206, b"pri")
    assert part.headers["Content-Range"] == "bytes 3-5/8"


@pytest.mark.django_db
def test_files_that_no_job_has_any_more_are_deleted(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    files.delete_old()  # no folder yet
    for name, days in {
        "jobs/0-ab-left": 9,
        "jobs/1-ab": 7,
        "uploads/old": 8,
        "uploads/new": 6,
    }.items():
        default_storage.save(name, ContentFile(b"rows"))
        sent = time.time() - days * 86_400
        os.utime(tmp_path / name, (sent, sent))
    files.delete_old()
    left = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()}
    assert left == {"jobs/1-ab", "uploads/new"}
