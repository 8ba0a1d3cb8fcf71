"""Which version is live: looked up, and changed, in one step that two at once take in turns."""

from django.db import transaction

from predictor.models import Activation, ModelVersion

from .store import load


def live_version(scheme: str) -> ModelVersion | None:
    """The ModelVersion that is live; None where none is. Causes a query."""
    return ModelVersion.objects.filter(activations__live=True, scheme=scheme).first()


def activate(version: ModelVersion, by: str = "", why: str = "") -> Activation:
    """Makes a version live in the place of the scheme's present one; returns the Activation.

    Its file is loaded first: ForestFileError or OSError, and nothing changed, where that fails.
    """
    load(version)
    with transaction.atomic():
        # Two activations at once take turns: the second one waits here for the first.
        # The lock leaves room for the answers that refer to these versions meanwhile.
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
