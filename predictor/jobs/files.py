"""Serves the file of a job: whole, or by range where a proxy or a store does that."""

from urllib.parse import quote

from django.conf import settings
from django.core.files.storage import default_storage
from django.http import FileResponse, HttpResponse, HttpResponseRedirect


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
        return HttpResponse(headers=headers)
    file = default_storage.open(job.file)
    return FileResponse(file, as_attachment=True, filename=download_name(job))
