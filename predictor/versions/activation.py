"""The active version of a scheme: looks it up, and activates another one, one activation at a time."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from django.db import transaction
from django.utils import timezone

from predictor.models import Activation, ModelVersion, Shadow

from .store import load


def live_version(scheme: str) -> ModelVersion | None:
    """The active ModelVersion; None if there is none. Causes a query."""
    return ModelVersion.objects.filter(activations__live=True, scheme=scheme).first()


def retire(version: ModelVersion, sunset: datetime | None = None) -> None:
    """Marks a version as retired from now on, and as available at least until `sunset`; answers to
    programs that name it say so. Only its file decides whether it answers. ValueError if it is active."""
    with one_change_at_a_time(version.scheme):
        if live_version(version.scheme) == version:
            raise ValueError(f"{version} is active")
        retired = version.retired or timezone.now()
        ModelVersion.objects.filter(pk=version.pk).update(retired=retired, sunset=sunset)


def restore(version: ModelVersion) -> None:
    """Marks a version as not retired."""
    ModelVersion.objects.filter(pk=version.pk).update(retired=None, sunset=None)


@contextmanager
def one_change_at_a_time(scheme: str) -> Iterator[None]:
    """A transaction, for which a second one of the same scheme waits. It does not block answers."""
    with transaction.atomic():
        of_scheme = ModelVersion.objects.filter(scheme=scheme).only("pk")
        list(of_scheme.select_for_update(no_key=True))
        yield


def end_shadow(scheme: str) -> bool:
    """Ends the shadow of a scheme; False if there is none. Its prices stay."""
    now = timezone.now()
    return bool(Shadow.objects.filter(scheme=scheme, ended=None).update(ended=now))


def activate(version: ModelVersion, by: str = "", why: str = "") -> Activation:
    """Activates a version in place of its scheme's active one; returns the Activation.

    Its file is loaded first: if that fails, ForestFileError or OSError is raised and nothing changes. A
    retired version no longer counts as retired, and the scheme's shadow ends.
    """
    load(version)
    with one_change_at_a_time(version.scheme):
        end_shadow(version.scheme)
        replaced = Activation.objects.filter(scheme=version.scheme, live=True).first()
        if replaced:
            Activation.objects.filter(pk=replaced.pk).update(live=False)
        of_version = ModelVersion.objects.filter(pk=version.pk)
        of_version.update(failure="", retired=None, sunset=None)
        return Activation.objects.create(
            scheme=version.scheme,
            version=version,
            by=by,
            why=why,
            replaced=replaced and replaced.version,
        )
