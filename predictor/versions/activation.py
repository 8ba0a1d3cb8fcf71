"""The active version of a scheme: looks it up, and activates another one, one activation at a time."""

from django.db import transaction

from predictor.models import Activation, ModelVersion

from .store import load


def live_version(scheme: str) -> ModelVersion | None:
    """The active ModelVersion; None if there is none. Causes a query."""
    return ModelVersion.objects.filter(activations__live=True, scheme=scheme).first()


def activate(version: ModelVersion, by: str = "", why: str = "") -> Activation:
    """Activates a version in place of its scheme's active one; returns the Activation.

    Its file is loaded first: if that fails, ForestFileError or OSError is raised and nothing changes.
    """
    load(version)
    with transaction.atomic():
        # If two activations run at once, the second one waits here for the first.
        # The lock does not block answers that refer to these versions.
        of_scheme = ModelVersion.objects.filter(scheme=version.scheme).only("pk")
        list(of_scheme.select_for_update(no_key=True))
        replaced = Activation.objects.filter(scheme=version.scheme, live=True).first()
        if replaced:
            Activation.objects.filter(pk=replaced.pk).update(live=False)
        ModelVersion.objects.filter(pk=version.pk).update(failure="")
        return Activation.objects.create(
            scheme=version.scheme,
            version=version,
            by=by,
            why=why,
            replaced=replaced and replaced.version,
        )
