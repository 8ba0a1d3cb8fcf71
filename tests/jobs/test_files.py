"""The file of a job is sent by the server, by nginx, or by the store."""

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from storages.backends.s3 import S3Storage

from predictor.jobs import files
from predictor.jobs.files import file_response
from predictor.models import Job


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
    assert response.content == b""


def test_by_the_store_at_a_signed_address(job, settings, monkeypatch):
    settings.FOREST_STORE = "s3://bucket"
    keys = {"access_key": "key", "secret_key": "secret", "region_name": "eu-central-1"}
    monkeypatch.setattr(files, "default_storage", S3Storage(bucket_name="bucket", **keys))
    response = file_response(job)
    assert response.status_code == 302
    assert "X-Amz-Signature=" in response["Location"]
    assert "response-content-disposition=attachment" in response["Location"]
