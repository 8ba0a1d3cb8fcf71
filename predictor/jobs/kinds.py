"""The kinds of jobs. Each is declared by its function, in the package that does the work:

    @job_kind("export", gettext_lazy("export"), "predictor.export_prediction", timedelta(hours=2))
    def export(context, ending, query):
        ...

The admin, the addresses and the command of the worker import these modules, so both the server and
the worker know all kinds.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

KINDS: dict[str, "Kind"] = {}
"""{name: Kind}."""


@dataclass(frozen=True)
class Kind:
    """A kind of job.

    run: (context, **arguments) -> the outcome as text, or None. limit: how long it may run. repeats:
    whether it may begin again after its worker was lost, with the same result as if it had run once.
    describe: arguments -> what was requested, as text. address: job -> the address of its result.
    """

    name: str
    label: str
    permission: str
    limit: timedelta
    run: Callable[..., Any]
    repeats: bool = True
    describe: Callable[[dict], str] = lambda arguments: ""
    address: Callable[[Any], str] = lambda job: ""


def job_kind(name, label, permission, limit, **options):
    """Declares the decorated function as a kind of job; see Kind."""

    def declared(run):
        KINDS[name] = Kind(name, label, permission, limit, run, **options)
        return run

    return declared
