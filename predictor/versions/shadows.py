"""Starts the shadow of a scheme: a version that prices the requests which the active one has answered.
Called by the command `activate`; predictor/shadow prices the requests."""

from uuid import UUID

from predictor.models import ModelVersion, Prediction, Shadow

from .activation import end_shadow, live_version, one_change_at_a_time
from .store import load

NO_PREDICTION = UUID(int=0)


class ShadowRefused(ValueError):
    """A version that cannot be compared with the active one."""


def shadow_of(scheme: str) -> Shadow | None:
    """The Shadow of a scheme at present; None if there is none. Causes a query."""
    return Shadow.objects.filter(scheme=scheme, ended=None).select_related("version").first()


def start(version: ModelVersion, by: str = "") -> Shadow:
    """Starts the shadow of a version, which prices the requests that the active version answers from now
    on, and ends an earlier shadow of the scheme. Returns the Shadow.

    Raises ShadowRefused, and ForestFileError or OSError if the version's file cannot be loaded.
    """
    load(version)
    with one_change_at_a_time(version.scheme):
        live = live_version(version.scheme)
        _refuse(version, live)
        end_shadow(version.scheme)
        newest = Prediction.objects.values_list("pk", flat=True).first()
        return Shadow.objects.create(
            scheme=version.scheme,
            version=version,
            against=live,
            by=by,
            reached=newest or NO_PREDICTION,
        )


def _refuse(version: ModelVersion, live: ModelVersion | None) -> None:
    if live is None:
        raise ShadowRefused(f"no version of {version.scheme} is active")
    if version == live:
        raise ShadowRefused(f"{version} is active")
    prices, live_prices = (f"{one.currency} {one.price_kind}" for one in (version, live))
    if prices != live_prices:
        raise ShadowRefused(f"{version} has {prices} prices, the active {live} {live_prices}")
