"""Where Django looks for the admin: the desk's lists register themselves."""

from django.contrib import admin
from django_tasks_db.models import DBTaskResult

from .desk import jobs, monitoring, predictions, samples, scoring, versions, views  # noqa: F401

admin.site.unregister(DBTaskResult)  # the desk's own list of retrainings says more
