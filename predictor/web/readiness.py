"""Whether this server has what it needs to answer a price; for the readiness checks."""

from contextlib import suppress

from django.db import Error as DatabaseUnusable

from ml.stones import SCHEMES
from predictor.errors import Unavailable
from predictor.history.state import state_of_history
from predictor.jobs.queue import is_worker_missing
from predictor.versions.live import registry


def readiness():
    """(the checks, whether both schemes can be priced and recorded).

    An active version whose file was refused is reported too; an earlier one may serve instead. So is
    a missing worker for jobs, without which prices are answered.
    """
    database = state_of_history()
    with suppress(Unavailable):
        registry.ensure_loaded()
    missing = [scheme for scheme in SCHEMES if scheme not in registry.loaded()]
    checks = {"database": database, "missing_forests": missing, "failed_forests": _refused()}
    checks["job_worker"] = _worker() if database == "ok" else "unknown"
    return checks, database == "ok" and not missing


def _worker():
    with suppress(DatabaseUnusable):
        return "missing" if is_worker_missing() else "ok"
    return "unknown"


def _refused():
    """{scheme: the active version that was refused, the reason, and the version that serves
    instead}."""
    live = registry.loaded()
    return {
        scheme: {
            "version": version.number,
            "why": why,
            "serving": live[scheme].version.number if scheme in live else None,
        }
        for scheme, (version, why) in registry.failed().items()
    }
