"""What a run is made of: of which scheme the input's rows are, where their parameters stand, and the plan
that tells whether an earlier run may be gone on with."""

from ml.stones import SCHEMES
from predictor.telemetry.redaction import redacted

from .errors import ScoringError
from .outputs import Output
from .pricing import ADDED
from .rows import is_readable
from .sources import shown


def scheme_of(source, asked=None):
    """The scheme that the input's columns are of; asked: where they could be of both. ScoringError."""
    names = {name.lower() for name in source.schema.names}
    missing = {
        scheme: [name for name in SCHEMES[scheme] if name not in names] for scheme in SCHEMES
    }
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
        raise ScoringError(f"{shown(source.url)} lacks columns: {lacking}")
    return found[0]


def places_of(source, scheme):
    """{parameter: its column's place}; ScoringError for a column that is no good or there twice."""
    names = [name.lower() for name in source.schema.names]
    for name in {*SCHEMES[scheme], *ADDED.names}:
        if names.count(name) > (0 if name in ADDED.names else 1):
            why = "which the result adds" if name in ADDED.names else "twice"
            raise ScoringError(f"{shown(source.url)} has a column {name}, {why}: rename it")
    places = {name: names.index(name) for name in SCHEMES[scheme]}
    for name, place in places.items():
        kind = source.schema.field(place).type
        if not is_readable(kind):
            raise ScoringError(
                f"{shown(source.url)}: column {name} is {kind}: give numbers or text"
            )
    return places


def output_of(url, source, format=None):  # noqa: A002
    """The Output at an address: one file where its name ends in .csv or .parquet, else a folder of parts.

    format: "csv" or "parquet"; by default what the name says, else the input's.
    """
    if not url.strip() or not url.isprintable():
        raise ScoringError(f"{url!a} names no file or folder")
    ending = next((one for one in ("csv", "parquet") if url.lower().endswith(f".{one}")), None)
    if format and ending and format != ending:
        raise ScoringError(f"{shown(url)} ends in .{ending}, --format says {format}")
    schema = source.schema
    for field in ADDED:
        schema = schema.append(field)
    folder, file = (f"{url}.parts", url) if ending else (url, "")
    return Output(folder, file, format or ending or source.format, schema, source.separator)


def plan_of(source, scheme, version, output):
    """What has to be alike for a run to be gone on with, as plain JSON; `version` alone is kept to."""
    return {
        "input": [[redacted(file.url), file.size, file.stamp] for file in source.files],
        "scheme": scheme,
        "format": output.format,
        "version": version.number,
    }
