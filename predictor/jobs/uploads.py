"""Files that were sent for jobs: stored until the job has read them, and for a week, so that it can be
requested again."""

from datetime import timedelta
from hashlib import sha256

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.utils.translation import gettext as _

from .errors import JobFailed

FOLDER, KEPT = "uploads", timedelta(days=7)
"""Where they are stored, and how long."""


def store(content, name):
    """Stores a file's bytes under a name, unless it is stored already; returns the name in the storage."""
    name = f"{FOLDER}/{name}"
    if not default_storage.exists(name):
        default_storage.save(name, ContentFile(content))
    return name


def store_of_user(content, by):
    """Stores a file that a user has sent; returns its name, which is the same for the same file."""
    return store(content, f"{by.pk}-{sha256(content).hexdigest()[:32]}")


def read(name):
    """The bytes of a stored file; JobFailed if it was deleted."""
    if not default_storage.exists(name):
        raise JobFailed(_("The file is no longer stored. Upload it again."))
    with default_storage.open(name) as file:
        return file.read()
