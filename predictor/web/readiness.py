"""What this server needs to answer a price, and whether it is there; the doors' probes tell it."""

from contextlib import suppress

from ml.stones import SCHEMES
from predictor.errors import Unavailable
from predictor.history.state import state_of_history
from predictor.versions.live import registry


def readiness():
    """(what was looked at, whether both schemes can be priced and recorded).

    A live version that was refused is told too; an earlier one may serve in its place.
    """
    database = state_of_history()
    with suppress(Unavailable):
        registry.ensure_loaded()
    missing = [scheme for scheme in SCHEMES if scheme not in registry.loaded()]
    checks = {"database": database, "missing_forests": missing, "failed_forests": _refused()}
    return checks, database == "ok" and not missing


def _refused():
    """{scheme: the live version that was refused, why, and which one serves in its place}."""
    live = registry.loaded()
    return {
        scheme: {
            "version": version.number,
            "why": why,
            "serving": live[scheme].version.number if scheme in live else None,
        }
        for scheme, (version, why) in registry.failed().items()
    }
