"""The plan of a run: the scheme of the input's rows, the columns of its parameters, and the data that
decides whether an earlier run can be resumed."""

from dataclasses import replace

import pyarrow as pa
from django.conf import settings
from fsspec.implementations.local import LocalFileSystem

from ml.stones import OF_KIND, SCHEMES
from ml.tables.errors import DatasetError, gettext_noop
from ml.tables.headings import OF_STONES, find
from predictor.pricing.serializers import levels_of
from predictor.telemetry.redaction import redacted

from .errors import ScoringError
from .files import display_url, filesystem_of, is_hidden, packing_and_format
from .outputs import Output
from .pricing import ADDED
from .rows import is_readable


def scheme_of_columns(source, scheme=None):
    """The scheme of the input's columns; scheme: decides if they fit both. Raises ScoringError."""
    missing = {scheme: source.found.lacking(SCHEMES[scheme]) for scheme in SCHEMES}
    if scheme:
        if missing[scheme]:
            sentence = gettext_noop("has no columns for the scheme {scheme}: {names}")
            raise _unusable(source, sentence, scheme=scheme, names=", ".join(missing[scheme]))
        return scheme
    found = [scheme for scheme in SCHEMES if not missing[scheme]]
    if len(found) == 2:
        sentence = gettext_noop("has the columns of both schemes: choose one with --scheme")
        raise _unusable(source, sentence)
    if not found:
        names = {scheme: ", ".join(names) for scheme, names in missing.items()}
        sentence = gettext_noop(
            "lacks columns: for coded {coded}; for graded {graded}; if one has a name that is not known, "
            "use --column carat=NAME"
        )
        raise _unusable(source, sentence, **names)
    return found[0]


def _unusable(source, sentence, **values):
    """A ScoringError about the input, whose cause can be translated."""
    cause = DatasetError(sentence, **values)
    error = ScoringError(f"{display_url(source.url)} {cause}")
    error.__cause__ = cause
    return error


def of_scheme(source, scheme):
    """(the Source with the names of its needed columns, {parameter: its column's index}); ScoringError
    for an unusable column. measurements: the index of a column with x, y and z in one."""
    places = source.found.of_scheme(scheme)
    for place in places.values():
        field = source.schema.field(place)
        if not is_readable(field.type):
            raise ScoringError(
                f"{display_url(source.url)}: column {field.name} is {field.type}: use numbers or text"
            )
    needed = frozenset(source.schema.names[place] for place in places.values())
    for file, header in zip(source.files, source.headers, strict=True):
        if lacking := needed - {*header, *file.constants}:
            raise ScoringError(
                f"{display_url(file.url)} lacks columns: {', '.join(sorted(lacking))}"
            )
    return replace(source, needed=needed), places


def with_optional(source, places, version, vocabulary, chosen):
    """The same with the columns of the optional properties that a version knows, where the input has them,
    and those of shape and origin in any case: a version that does not know them prices round, natural
    stones only.

    chosen: {property: the name of its column}, for names that are not recognised. Raises ScoringError for a
    property that the version does not know, and for a heading that is missing or occurs twice.
    """
    levels = levels_of(vocabulary)
    known = {name: OF_STONES[name] for name in (*OF_KIND, *levels)}
    if unknown := [name for name in chosen if name not in known]:
        raise ScoringError(f"version {version.number} does not accept {unknown[0]}")
    used = {*places.values()}
    names = ["" if at in used else name.strip() for at, name in enumerate(source.schema.names)]
    try:
        found = find(names, known, 1, chosen)
    except DatasetError as error:
        raise ScoringError(f"{display_url(source.url)}: {error}") from error
    some = {
        name: at for name, at in found.places.items() if is_readable(source.schema.field(at).type)
    }
    needed = source.needed | {
        source.schema.names[at] for name, at in some.items() if name in levels
    }
    return replace(source, needed=needed), places | some


def kept_of(source):
    """The indexes of the input's columns that the result keeps: all, except those that an earlier pricing
    added. Raises ScoringError for a column of the file itself with the name of one of those."""
    names = [name.strip().lower() for name in source.schema.names]
    added = {place for place, name in enumerate(names) if name in ADDED.names}
    if added and "predicted_price" not in names:
        name = names[min(added)]
        raise ScoringError(
            f"{display_url(source.url)} has a column {name}, which the output adds: rename it"
        )
    return tuple(place for place in range(len(names)) if place not in added)


def output_of(url, source, kept, format=None):  # noqa: A002
    """The Output at an address: one file if its name has the ending of one, otherwise a folder of parts.

    kept: the indexes of the columns that it keeps from the input. format: "csv" or "parquet"; by default
    from the name, otherwise that of the input.
    """
    if not url.strip() or not url.isprintable():
        raise ScoringError(f"{url!a} is not a file or folder name")
    fs, path = filesystem_of(url)
    if isinstance(fs, LocalFileSystem):
        url = path  # from the root: workers of a cluster may run in another folder
    ending, by_name, is_packed = packing_and_format(url)
    if format and by_name and format != by_name:
        raise ScoringError(f"{display_url(url)} ends in {ending}, --format says {format}")
    schema = pa.schema([*(source.schema.field(place) for place in kept), *ADDED])
    folder, file = (f"{url}.parts", url) if by_name else (url, "")
    separator = "\t" if ending.startswith(".tsv") else source.separator
    return Output(
        folder,
        file,
        format or by_name or source.format,
        schema,
        separator,
        is_packed,
        source.for_spreadsheets,
    )


def refuse_inside(url, out):
    """Raises ScoringError for an output in the input's folder: the next run would price it, too."""
    (read_from, folder), (fs, path) = filesystem_of(url), filesystem_of(out)
    inside = path.startswith(f"{folder.rstrip('/')}/") and not is_hidden(path, folder)
    if inside and fs.protocol == read_from.protocol:
        raise ScoringError(
            f"{display_url(out)} is in {display_url(url)}, all of which is priced: choose another folder"
        )


def plan_of(source, scheme, version, output, chosen):
    """The data that must match to resume a run, as JSON; `version` is taken from the earlier run.

    With parts of another size, a part's number means other rows; another release may answer differently.
    """
    plan = {
        "input": [[redacted(file.url), file.size, file.stamp] for file in source.files],
        "scheme": scheme,
        "format": output.format,
        "version": version.number,
        "part size": source.part_size,
        "release": settings.SPECTACULAR_SETTINGS["VERSION"],
    }
    return plan | ({"columns": chosen} if chosen else {})
