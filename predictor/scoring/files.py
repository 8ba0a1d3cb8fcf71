"""Files at any address supported by fsspec: finds and opens them, and parses their names."""

from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import chain
from urllib.parse import unquote

import fsspec

from predictor.errors import store_errors
from predictor.telemetry.redaction import redacted

from .errors import ScoringError, reason

FORMATS = {".parquet": "parquet", ".pq": "parquet", ".csv": "csv", ".tsv": "csv", ".txt": "csv"}
PACKINGS = ("", ".gz", ".bz2", ".xz", ".zst", ".zip")
SUFFIXES = (*FORMATS, ".xlsx", *(f"{f}{p}" for f in (".csv", ".tsv", ".txt") for p in PACKINGS[1:]))
"""The endings of data files in a folder."""

NO_VALUE = "__HIVE_DEFAULT_PARTITION__"
"""Hive's name for the folder of rows without a value."""


def display_url(url):
    """An address for messages: short, on one line, without secrets."""
    url = redacted(url)
    text = url if url.isprintable() else ascii(url)
    return text if len(text) <= 200 else f"{text[:200]}…"


def filesystem_of(url):
    """(filesystem, path) of any address supported by fsspec; raises ScoringError."""
    if not url.strip() or "\0" in url:
        raise ScoringError(f"{url!a} is not a file or folder name")
    try:
        return fsspec.core.url_to_fs(url)
    except (ImportError, ValueError, *store_errors()) as error:
        raise ScoringError(f"{display_url(url)}: {reason(error)}") from error


@contextmanager
def naming(url):
    """Adds the address to errors of the file system."""
    try:
        yield
    except store_errors() as error:
        raise ScoringError(f"{display_url(url)}: {reason(error)}") from error


def opened(url):
    """The open binary file at an address, even if its name contains wildcards. Raises ScoringError."""
    with naming(url):
        fs, path = filesystem_of(url)
        return fs.open(path, "rb")


@dataclass(frozen=True)
class InputFile:
    """One file: its full address, size in bytes, and a fingerprint that changes when it does; constants:
    {column: value} of the folders that it is in, as Hive names them (color=E)."""

    url: str
    size: int
    stamp: str
    constants: dict = field(default_factory=dict)


def input_files(url):
    """([InputFile of an address: a file, a folder's files, or those matching a pattern, sorted by name],
    the names of skipped files). Raises ScoringError."""
    fs, path = filesystem_of(url)
    with naming(url):
        names, others = _names(fs, path, url)
        return [_input_file(fs, name, path) for name in names], others


def _names(fs, path, url):
    try:
        if fs.isfile(path):
            names, others = [path], []
        elif fs.isdir(path):
            names, others = _of_folder(fs, path)
        elif fsspec.core.has_magic(path):
            names, others = _of_pattern(fs, path)
        else:
            names, others = ([path] if fs.info(path)["type"] == "file" else []), []
    except FileNotFoundError:
        raise ScoringError(f"{display_url(url)}: no such file") from None
    if not names:
        raise ScoringError(
            f"{display_url(url)}: not a file, and no {', '.join(SUFFIXES)} files in it"
        )
    return sorted(names), sorted(others)


def _of_pattern(fs, path):
    """The files that match a pattern, and those of the folders that match."""
    matched = fs.glob(path)
    folders = [name for name in matched if fs.isdir(name)]
    inside = [_of_folder(fs, folder) for folder in folders]
    files = [name for name in matched if fs.isfile(name)]
    names = {*files, *chain.from_iterable(data for data, _ in inside)}
    return [*names], [*{*chain.from_iterable(others for _, others in inside)} - names]


def _of_folder(fs, folder):
    """(the data files of a folder and its subfolders, its other files). Names that begin with _ or . are
    in neither, as is usual for such folders."""
    data, others = [], []
    for name, info in fs.find(folder, detail=True).items():
        if info["type"] != "file" or is_hidden(name, folder):
            continue
        (data if name.lower().endswith(SUFFIXES) else others).append(name)
    return data, others


def is_hidden(name, folder):
    """Whether a file in a folder, or a subfolder that it is in, has a name that begins with _ or a dot."""
    inside = name[len(folder.rstrip("/")) :].strip("/").split("/")
    return any(part.startswith(("_", ".")) for part in inside)


def _input_file(fs, path, base):
    info = fs.info(path)
    stamp = info.get("ETag") or info.get("mtime") or info.get("LastModified") or ""
    folders = path[len(base) :] if path.startswith(base) else path
    return InputFile(
        fs.unstrip_protocol(path),
        info["size"] or 0,
        str(stamp),
        _constants(folders.split("/")[:-1]),
    )


def _constants(folders):
    """{column: value} of folders like color=E; None for a missing value."""
    pairs = (folder.partition("=") for folder in folders)
    values = {name: unquote(value) for name, mark, value in pairs if name and mark}
    return {name: None if value == NO_VALUE else value for name, value in values.items()}


def packing_and_format(url):
    """(ending, format, whether gzip compresses it) from a result's name; ("", "", False) for a folder."""
    name = url.lower()
    plain = name.removesuffix(".gz")
    for ending, kind in FORMATS.items():
        if plain.endswith(ending) and (plain == name or kind == "csv"):
            return name[plain.rindex(ending) :], kind, plain != name
    return "", "", False
