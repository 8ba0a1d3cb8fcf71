"""Serves the file of a job: whole, or by range where a proxy or a store does that. Also stores the file
of work that was small enough to be done in a request, and deletes what is left."""

from contextlib import suppress
from datetime import timedelta
from mimetypes import guess_type
from urllib.parse import quote
from uuid import uuid4

from django.conf import settings
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.http import FileResponse, HttpResponse, HttpResponseRedirect
from django.utils import timezone

from predictor.models import Job

from . import uploads
from .context import FOLDER, KEPT


def download_name(job):
    """The name under which a user gets the file of a job."""
    return job.file.split("-", 2)[-1]


def file_response(job):
    """The response with a job's file: from the store, from nginx, or from this server."""
    disposition = f'attachment; filename="{download_name(job)}"'
    if settings.FOREST_STORE:
        parameters = {"ResponseContentDisposition": disposition}
        return HttpResponseRedirect(default_storage.url(job.file, parameters=parameters))
    if settings.ACCEL_REDIRECT:
        accelerated = f"{settings.ACCEL_REDIRECT.rstrip('/')}/{quote(job.file)}"
        headers = {"X-Accel-Redirect": accelerated, "Content-Disposition": disposition}
        content_type, _packed = guess_type(job.file)
        return HttpResponse(
            headers=headers, content_type=content_type or "application/octet-stream"
        )
    file = default_storage.open(job.file)
    return FileResponse(file, as_attachment=True, filename=download_name(job))


def store_file(name, content):
    """Stores a file for a job that a request has done itself; returns the columns of the job's row."""
    stored = default_storage.save(f"{FOLDER}/0-{uuid4().hex[:8]}-{name}", ContentFile(content))
    return {"file": stored, "size": len(content), "expires": timezone.now() + KEPT}


def delete_old():
    """Deletes uploads for jobs that are past their time, and files that no job has any more.

    A file that is sent again is not stored again, so one that a job of the last week names is kept.
    A process that was killed may have stored a file that no row names. So what is a day older than the file
    of any job is deleted. Called by workers.
    """
    now = timezone.now()
    asked = Job.objects.filter(created__gt=now - uploads.KEPT)
    wanted = {*asked.values_list("arguments__upload", flat=True)}
    for folder, kept in (uploads.FOLDER, uploads.KEPT), (FOLDER, KEPT + timedelta(days=1)):
        with suppress(FileNotFoundError):
            for file in default_storage.listdir(folder)[1]:
                name = f"{folder}/{file}"
                if name not in wanted and default_storage.get_modified_time(name) < now - kept:
                    default_storage.delete(name)
