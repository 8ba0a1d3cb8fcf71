"""A run from start to end; called by the command `score`."""

import time
from concurrent.futures import FIRST_COMPLETED, wait
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from django.db import Error as DatabaseUnusable
from django.utils import timezone

from ml.tables.headings import OF_STONES
from predictor.models import ModelVersion, ScoringRun
from predictor.telemetry.redaction import redacted
from predictor.versions.activation import live_version
from predictor.versions.store import load

from . import plan, sources, task, workers
from .errors import ScoringError
from .files import display_url
from .outputs import Output
from .task import Counts, ForestFile, Job

HEARD_SECONDS = 5
LOST_SECONDS = 60
"""After this long without a finished part, checks whether there are still workers."""

SHOWN = 20
"""The most columns or files that a note names."""

AHEAD = 2
"""The number of parts queued for each worker, so that none has to wait."""


@dataclass(frozen=True)
class Planned:
    """A run ready to start: its input, its output, the version that prices, the parameters' columns,
    the columns that the output keeps, and the parts that an earlier run finished, {number: Counts}."""

    source: sources.Source
    output: Output
    version: ModelVersion
    places: dict
    kept: tuple
    done: dict

    def notes(self):
        """Notes on how the input was read."""
        source, names = self.source, self.source.schema.names
        yield from map(str, source.notes[:SHOWN])
        renamed = [
            f"{names[at]} for {name}" for name, at in self.places.items() if names[at] != name
        ]
        replaced = [name for place, name in enumerate(names) if place not in self.kept]
        lists = {
            "columns": renamed,
            "columns of an earlier run, replaced": replaced,
            "files left out": [display_url(name) for name in source.left_out],
        }
        for what, found in lists.items():
            if found:
                yield f"{what}: {', '.join(found[:SHOWN])}{', …' * bool(found[SHOWN:])}"


def prepare(url, out, scheme=None, format=None, columns=None):  # noqa: A002
    """Checks everything that a run needs and reserves its output; a Planned. Raises ScoringError, OSError,
    ForestFileError.

    columns: {parameter: the name of its column}, for names that are not recognised.
    """
    columns = columns or {}
    of_stones = {name: heading for name, heading in columns.items() if name in OF_STONES}
    source = sources.find_source(url, {n: columns[n] for n in columns if n not in of_stones})
    scheme = plan.scheme_of_columns(source, scheme)
    source, places = plan.of_scheme(source, scheme)
    kept = plan.kept_of(source)
    output = plan.output_of(out, source, kept, format)
    plan.refuse_inside(url, output.url)
    earlier = output.earlier_plan()
    version = _version(scheme, earlier)
    vocabulary = load(version).vocabulary
    source, places = plan.with_optional(source, places, version, vocabulary, of_stones)
    done = output.begin(plan.plan_of(source, scheme, version, output, columns), earlier)
    finished = {number: Counts(*counts) for number, counts in done.items()}
    return Planned(source, output, version, places, kept, finished)


def _version(scheme, earlier):
    """The active version, or that of the run that is resumed."""
    if earlier and earlier.get("scheme") == scheme:
        found = ModelVersion.objects.filter(scheme=scheme, number=earlier.get("version")).first()
        if found is None:
            raise ScoringError(
                f"the run was started with {scheme} {earlier.get('version')}, which no longer exists"
            )
        return found
    version = live_version(scheme)
    if version is None:
        raise ScoringError(f"no version of {scheme} is active: run manage.py retrain or activate")
    return version


def run(planned, count=1, dask=None, by="", progress=None, shown=None):
    """Prices the remaining parts, in `count` processes or on the Dask cluster at an address.

    progress: called with the rows done and the total, None while it is unknown; what it raises ends the
    run. shown: (input, output) as the admin shows them, unique to the run, instead of their addresses.
    Returns the ScoringRun with the outcome; raises ScoringError, ForestFileError, OSError.
    """
    with _recorded(planned, dask or f"{count}", by, shown) as (row, save_counts):
        pool = workers.of_dask(dask) if dask else workers.local(count)
        with pool as (executor, slots, refuse_lost):
            notes = _price(planned, executor, slots, refuse_lost, _both(save_counts, progress))
        planned.output.finish(notes)
    return row


def _both(save_counts, progress):
    def move(counts, total):
        save_counts(counts)
        if progress:
            progress(counts.rows, total)

    return move


def _price(planned, executor, slots, refuse_lost, move):
    """{number: Counts} of all parts, once all are complete; few are in memory at a time."""
    version = planned.version
    forest = ForestFile(version.artifact.name, version.sha256, version.scheme)
    job = Job(forest, planned.places, planned.kept, planned.output)
    notes, waiting, seen = dict(planned.done), {}, None
    total = Counts()
    for counts in notes.values():
        total += counts
    read = total.rows
    move(total, sum(planned.source.rows) or None)

    def collect():
        nonlocal total
        done, _ = wait(waiting, LOST_SECONDS, return_when=FIRST_COMPLETED)
        if not done:
            refuse_lost()
        for future in done:
            number = waiting.pop(future)
            notes[number] = Counts(*future.result())
            total += notes[number]
        move(total, sum(planned.source.rows) or (seen and round(read / seen)))

    try:
        for part in planned.source.parts(notes.keys()):
            waiting[executor.submit(task.run, job, part)] = part.number
            read, seen = read + part.count, getattr(part, "seen", None)
            if len(waiting) >= AHEAD * slots:
                collect()
        while waiting:
            collect()
    finally:
        for future in waiting:
            future.cancel()
    return notes


@contextmanager
def _recorded(planned, who, by, shown):
    """The run's row in the admin, and a function that saves the Counts so far to it."""
    row = _row_of(planned, who, by, shown)
    started, saved = time.monotonic() - row.seconds, time.monotonic()

    def save():
        row.heard, row.seconds = timezone.now(), time.monotonic() - started
        row.save()

    def save_counts(counts):
        nonlocal saved
        row.rows, row.errors, row.warned = counts
        if time.monotonic() - saved > HEARD_SECONDS:
            saved = time.monotonic()
            with suppress(DatabaseUnusable):  # pricing continues without it
                save()

    try:
        yield row, save_counts
    except BaseException as error:  # also one that ends a job
        row.state, row.outcome = ScoringRun.State.FAILED, redacted(str(error)) or "interrupted"
        row.ended = timezone.now()
        with suppress(DatabaseUnusable):
            save()
        raise
    row.state, row.outcome, row.ended = ScoringRun.State.DONE, "", timezone.now()
    save()


def _row_of(planned, who, by, shown):
    """The row of the run that is resumed, or begun again by its job, or a new one."""
    places = shown or (planned.source.url, planned.output.url)
    own = dict(zip(("input", "output"), map(redacted, places), strict=True))
    rows, row = ScoringRun.objects.filter(**own), None
    if shown:
        row = rows.first()
    elif planned.done:
        unfinished = rows.exclude(state=ScoringRun.State.DONE)
        row = unfinished.filter(version=planned.version).first()
    row = row or ScoringRun(**own)
    row.version, row.scheme = planned.version, planned.version.scheme
    row.by, row.workers = by, redacted(who)[:200]
    row.state, row.heard, row.ended = ScoringRun.State.RUNNING, timezone.now(), None
    row.save()
    return row
