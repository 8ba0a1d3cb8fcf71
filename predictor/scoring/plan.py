"""What a run is made of: of which scheme the input's rows are, where their parameters stand, and the plan
that tells whether an earlier run may be gone on with."""

from dataclasses import replace

import pyarrow as pa

from ml.stones import SCHEMES
from predictor.telemetry.redaction import redacted

from .errors import ScoringError
from .files import packing_and_format, shown
from .outputs import Output
from .pricing import ADDED
from .rows import is_readable


def scheme_of_columns(source, asked=None):
    """The scheme that the input's columns are of; asked: where they could be of both. ScoringError."""
    missing = {scheme: source.found.lacking(SCHEMES[scheme]) for scheme in SCHEMES}
    if asked:
        if missing[asked]:
            raise ScoringError(
                f"{shown(source.url)} lacks columns of the scheme {asked}: {', '.join(missing[asked])}"
            )
        return asked
    found = [scheme for scheme in SCHEMES if not missing[scheme]]
    if len(found) == 2:
        raise ScoringError(f"{shown(source.url)} has the columns of both schemes: say --scheme")
    if not found:
        lacking = "; ".join(f"for {scheme} {', '.join(names)}" for scheme, names in missing.items())
        raise ScoringError(
            f"{shown(source.url)} lacks columns: {lacking}; where one goes by a name that is not known: "
            "--column carat=NAME"
        )
    return found[0]


def of_scheme(source, scheme):
    """(the Source with what its needed columns are called, {parameter: its column's place}); ScoringError
    for a column that is no good. measurements: the place of x, y and z in one column."""
    places = source.found.of_scheme(scheme)
    for place in places.values():
        field = source.schema.field(place)
        if not is_readable(field.type):
            raise ScoringError(
                f"{shown(source.url)}: column {field.name} is {field.type}: give numbers or text"
            )
    needed = frozenset(source.schema.names[place] for place in places.values())
    for file, header in zip(source.files, source.headers, strict=True):
        if lacking := needed - {*header, *file.constants}:
            raise ScoringError(f"{shown(file.url)} lacks columns: {', '.join(sorted(lacking))}")
    return replace(source, needed=needed), places


def kept_of(source):
    """The places of the input's columns that the result has too: all, or all but those that an earlier
    pricing added. ScoringError for a column of the file's own that is called as one of those."""
    names = [name.strip().lower() for name in source.schema.names]
    added = {place for place, name in enumerate(names) if name in ADDED.names}
    if added and "predicted_price" not in names:
        name = names[min(added)]
        raise ScoringError(
            f"{shown(source.url)} has a column {name}, which the result adds: rename it"
        )
    return tuple(place for place in range(len(names)) if place not in added)


def output_of(url, source, kept, format=None):  # noqa: A002
    """The Output at an address: one file where its name ends as those do, else a folder of parts.

    kept: the places of the columns that it has from the input. format: "csv" or "parquet"; by default
    what the name says, else the input's.
    """
    if not url.strip() or not url.isprintable():
        raise ScoringError(f"{url!a} names no file or folder")
    ending, told, is_packed = packing_and_format(url)
    if format and told and format != told:
        raise ScoringError(f"{shown(url)} ends in {ending}, --format says {format}")
    schema = pa.schema([*(source.schema.field(place) for place in kept), *ADDED])
    folder, file = (f"{url}.parts", url) if told else (url, "")
    separator = "\t" if ending.startswith(".tsv") else source.separator
    return Output(
        folder,
        file,
        format or told or source.format,
        schema,
        separator,
        is_packed,
        source.for_spreadsheets,
    )


def plan_of(source, scheme, version, output, chosen):
    """What has to be alike for a run to be gone on with, as plain JSON; `version` alone is kept to."""
    plan = {
        "input": [[redacted(file.url), file.size, file.stamp] for file in source.files],
        "scheme": scheme,
        "format": output.format,
        "version": version.number,
    }
    return plan | ({"columns": chosen} if chosen else {})
