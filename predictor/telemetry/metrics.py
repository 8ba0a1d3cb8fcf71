"""Prometheus metrics, over all workers of a server; /metrics shows them.

gunicorn.conf.py reserves shared files before this module is imported, and then numbers the workers; without
them, as in tests, each process counts for itself.
"""

from types import SimpleNamespace

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest, values
from prometheus_client.multiprocess import MultiProcessCollector

from ml.stones import SCHEMES

from . import shared

process = SimpleNamespace(number="none")
"""The worker whose files this process counts in: a number, not a process id, to limit their number."""

values.ValueClass = values.MutexValue
if shared.files:
    shared.use()
    values.ValueClass = values.MultiProcessValue(lambda: process.number)

REGISTRY = CollectorRegistry()
SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5)

REQUESTS = Counter(
    "diamonds_requests", "Answered requests", ["status", "scheme"], registry=REGISTRY
)
LATENCY = Histogram(
    "diamonds_request_seconds",
    "Time from the request to its answer",
    ["source"],
    buckets=SECONDS,
    registry=REGISTRY,
)
WARNINGS = Counter("diamonds_warnings", "Warnings in answers", ["code"], registry=REGISTRY)
RECORD_FAILURES = Counter(
    "diamonds_record_failures", "Answers withheld: no record could be written", registry=REGISTRY
)
LIVE = Gauge(
    "diamonds_live_version",
    "The version that a worker answers from; 0 for none",
    ["scheme"],
    multiprocess_mode="liveall",
    registry=REGISTRY,
)
REFUSED = Gauge(
    "diamonds_refused_version",
    "The active version whose file a worker could not load; 0 for none",
    ["scheme"],
    multiprocess_mode="liveall",
    registry=REGISTRY,
)


def start(number):
    """Counts for the worker with this number from now on, server errors from zero.

    Prometheus' rate() and increase() ignore the first value of a series, so the first error of a series
    that begins with it would never set off an alert.
    """
    process.number = number
    for status in ("500", "503"):
        for scheme in (*SCHEMES, "none"):
            REQUESTS.labels(status, scheme)


class AllWorkers:
    """The prometheus_client collector of the shared files."""

    def collect(self):
        return MultiProcessCollector.merge(shared.used())


def exposition():
    """The metrics of all workers, in Prometheus' text format."""
    registry = REGISTRY
    if shared.files:
        registry = CollectorRegistry()
        registry.register(AllWorkers())
    return generate_latest(registry)


def exposition_of_alarms(alarms):
    """The alarms in the same format; alarms: [(kind, scheme, whether it is active), …]."""
    registry = CollectorRegistry()
    gauge = Gauge(
        "diamonds_alarm",
        "1 while an alarm of the monitor is active",
        ["alarm", "scheme"],
        registry=registry,
    )
    for kind, scheme, active in alarms:
        gauge.labels(kind, scheme).set(active)
    return generate_latest(registry) if alarms else b""


def exposition_of_jobs(numbers, age, workers):
    """The jobs in the same format; as from predictor.jobs.queue.figures."""
    registry = CollectorRegistry()
    jobs = Gauge("diamonds_jobs", "Jobs by state", ["state"], registry=registry)
    for state, number in numbers.items():
        jobs.labels(state).set(number)
    named = {
        "diamonds_jobs_oldest_waiting_seconds": ("Age of the oldest job that waits", age),
        "diamonds_job_workers": ("Workers for jobs that have sent a heartbeat lately", workers),
    }
    for name, (about, value) in named.items():
        Gauge(name, about, registry=registry).set(value)
    return generate_latest(registry)


def exposition_of_shadows(shadows):
    """The shadows in the same format; as from predictor.shadow.pricing.figures."""
    registry = CollectorRegistry()
    version, behind = (
        Gauge(name, about, ["scheme"], registry=registry)
        for name, about in (
            ("diamonds_shadow_version", "The number of the shadow's version"),
            (
                "diamonds_shadow_behind_seconds",
                "Age of the oldest request that the shadow has not priced",
            ),
        )
    )
    for scheme, number, seconds in shadows:
        version.labels(scheme).set(number)
        behind.labels(scheme).set(seconds)
    return generate_latest(registry) if shadows else b""


def forget(number):
    """Removes the gauges of a dead worker; its counters stay."""
    shared.clear(f"gauge_liveall_{number}.db")
