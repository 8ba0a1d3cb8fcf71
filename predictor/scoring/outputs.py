"""The result of a run: its parts, each complete or missing, and at the end one file.

A part is written to a temporary file, moved into place, and then noted with its counts: a part without a
note is not counted. Names that begin with an underscore are not data, as is usual for such folders.
"""

import gzip
import io
import json
import os
import secrets
import shutil
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass

import pyarrow as pa
from pyarrow import csv, parquet

from ml.tables.writing import BYTE_ORDER_MARK
from predictor.errors import store_errors

from .disarming import disarmed_names, disarmed_table
from .errors import ScoringError, reason
from .files import display_url, filesystem_of, naming, opened
from .parquet_files import opened_parquet

FORMATS = ("csv", "parquet")
PLAN, SUCCESS = "_plan.json", "_SUCCESS"
WRITING = ".writing"


@dataclass(frozen=True)
class Output:
    """The place of a run's result, and how it is written.

    folder: of the parts. file: the file that they are joined into; "" if the folder is the result.
    is_packed: whether a CSV file is compressed by gzip. for_spreadsheets: whether CSV begins with the
    byte-order mark that spreadsheets need, like the input.
    """

    folder: str
    file: str
    format: str
    schema: pa.Schema
    separator: str = ","
    is_packed: bool = False
    for_spreadsheets: bool = False

    @property
    def url(self):
        """The requested address."""
        return self.file or self.folder

    # Parts, written by workers

    @contextmanager
    def part(self, number):
        """A writer of tables; the part is moved into place when the block ends without an error."""
        name = f"part-{number:05}.{self.format}"
        aside = self._aside(f"_{name}")
        with self._removed_on_error(aside):
            with self._fs.open(aside, "wb") as file:
                with self._writer(
                    file, self.format == "parquet" or self._has_header(number)
                ) as writer:
                    yield writer
                _flush_to_disk(file)
            self._fs.mv(aside, self._path(name))

    def _has_header(self, number):
        return not self.file or number == 0

    def _writer(self, file, header):
        if self.format == "parquet":
            return parquet.ParquetWriter(file, self.schema, compression="zstd")
        return self._csv_writer(file, header)

    @contextmanager
    def _csv_writer(self, file, header):
        options = csv.WriteOptions(include_header=header, delimiter=self.separator)
        # Concatenated gzip files are one valid gzip file.
        with (
            gzip.GzipFile(fileobj=file, mode="wb", mtime=0)
            if self.is_packed
            else nullcontext(file) as to
        ):
            if header and self.for_spreadsheets:
                to.write(BYTE_ORDER_MARK.encode())
            schema = disarmed_names(self.schema)
            with csv.CSVWriter(to, schema, write_options=options) as writer:
                yield _DisarmingWriter(writer, schema)

    def _refuse_types(self):
        """Raises ScoringError for a column that CSV cannot hold."""
        for field in self.schema if self.format == "csv" else ():
            try:
                csv.CSVWriter(io.BytesIO(), pa.schema([field])).close()
            except pa.ArrowException:
                raise ScoringError(
                    f"{display_url(self.url)}: CSV cannot hold the column {field.name}, which is "
                    f"{field.type}: write Parquet or remove the column"
                ) from None

    def note(self, number, counts):
        """Notes that a part is complete."""
        self._write(f"_part-{number:05}.json", counts)

    # The whole result, written by the run's main process

    def begin(self, plan, earlier):
        """Starts a run at this address, or resumes an earlier one with the same plan; the complete parts:
        {number: counts}. earlier: as from `earlier_plan`. ScoringError if another run's result is there."""
        with naming(self.url):
            if self.file and _exists(self.file):
                raise ScoringError(
                    f"{display_url(self.file)} already exists: delete it or choose another name"
                )
            if earlier is None:
                self._take(plan)
                return {}
            _refuse_another(earlier, plan, self.folder)
            return self._notes()

    def earlier_plan(self):
        """The plan of the run whose parts are here; None if there is none."""
        return self._read(PLAN)

    def _take(self, plan):
        self._refuse_types()
        if self._fs.exists(self._path()) and (
            not self._fs.isdir(self._path())
            or any(not name.endswith(WRITING) for name in self._names())
        ):
            raise ScoringError(
                f"{display_url(self.folder)} already exists, without a run: choose a new folder"
            )
        parent = self._path().rpartition("/")[0]
        if "file" in self._fs.protocol and not self._fs.isdir(parent or "/"):
            raise ScoringError(
                f"{display_url(self.url)}: the folder {display_url(parent)} does not exist"
            )
        if "s3" not in self._fs.protocol:  # there it would create a bucket
            self._fs.makedirs(self._path(), exist_ok=True)
        self._write_plan(plan)

    def _notes(self):
        if (done := self._read(SUCCESS)) is not None:
            return {int(number): counts for number, counts in done.items()}
        names = [
            name
            for name in self._names()
            if name.rpartition("/")[2].startswith("_part-") and name.endswith(".json")
        ]
        found = self._fs.cat(names) if names else {}
        return {
            int(name.rpartition("-")[2].removesuffix(".json")): json.loads(content)
            for name, content in found.items()
        }

    def finish(self, notes):
        """Joins the parts if one file was requested; otherwise marks the folder as complete."""
        if self.file:
            self._join(len(notes))
            with naming(self.url):
                self._fs.rm(self._path(), recursive=True)
            return
        self._write(SUCCESS, notes)
        done = [self._path(f"_part-{number:05}.json") for number in notes]
        with naming(self.url):
            for name in [*done, *(one for one in self._names() if one.endswith(WRITING))]:
                with suppress(FileNotFoundError):
                    self._fs.rm(name)

    def _join(self, count):
        parts = [
            self._fs.unstrip_protocol(self._path(f"part-{n:05}.{self.format}"))
            for n in range(count)
        ]
        self._fs.invalidate_cache(self._path())  # listed before other processes wrote parts
        aside = self._aside("_joined")
        with self._removed_on_error(aside):
            with self._fs.open(aside, "wb") as file:
                (self._join_parquet if self.format == "parquet" else _join_bytes)(parts, file)
                _flush_to_disk(file)
            self._fs.mv(aside, filesystem_of(self.file)[1])

    def _join_parquet(self, parts, file):
        with self._writer(file, True) as writer:
            for part in parts:
                with opened_parquet(part) as read:
                    for group in range(read.num_row_groups):
                        writer.write_table(read.read_row_group(group))

    # Files

    @property
    def _fs(self):
        return filesystem_of(self.folder)[0]

    def _path(self, name=""):
        folder = filesystem_of(self.folder)[1].rstrip("/")
        return f"{folder}/{name}" if name else folder

    def _names(self):
        return self._fs.ls(self._path(), detail=False)

    def _aside(self, name):
        """A path that no other process writes to: a lost worker of a cluster, or a second run, may write
        the same part."""
        return self._path(f"{name}.{secrets.token_hex(8)}{WRITING}")

    @contextmanager
    def _removed_on_error(self, aside):
        """Removes a temporary file that was not finished; errors name the address."""
        try:
            yield
        except BaseException as error:
            with suppress(*store_errors()):
                self._fs.rm(aside)
            if not isinstance(error, (pa.ArrowException, *store_errors())):
                raise
            raise ScoringError(
                f"{display_url(self.url)}: cannot be written: {reason(error)}"
            ) from error

    def _write(self, name, content, move=None):
        aside = self._aside(name)
        with self._removed_on_error(aside):
            with self._fs.open(aside, "wb") as file:
                file.write(json.dumps(content).encode())
                _flush_to_disk(file)
            (move or self._fs.mv)(aside, self._path(name))

    def _write_plan(self, plan):
        """ScoringError if there is one, also if another run writes it at this moment; where the file system
        has no way to know that, it is replaced."""
        if "file" in self._fs.protocol:
            self._write(PLAN, plan, self._move_new)
        elif "s3" not in self._fs.protocol or not self._put_new(PLAN, plan):
            self._write(PLAN, plan)

    def _move_new(self, aside, path):
        try:
            os.link(aside, path)
        except FileExistsError:
            raise self._begun_elsewhere() from None
        except OSError:  # no links on this file system
            self._fs.mv(aside, path)
        else:
            self._fs.rm(aside)

    def _put_new(self, name, content):
        """Whether S3 has written it; other stores than AWS may not know the condition."""
        try:
            self._fs.pipe_file(self._path(name), json.dumps(content).encode(), mode="create")
        except store_errors():
            if _exists(self._fs.unstrip_protocol(self._path(name))):
                raise self._begun_elsewhere() from None
            return False
        return True

    def _begun_elsewhere(self):
        return ScoringError(
            f"{display_url(self.url)}: another run has just begun there: wait until it ends, or choose "
            "another name"
        )

    def _read(self, name):
        try:
            return json.loads(self._fs.cat_file(self._path(name)))
        except FileNotFoundError:
            return None
        except (ValueError, *store_errors()) as error:
            raise ScoringError(
                f"{display_url(self.folder)}/{name}: cannot be read: {error}"
            ) from error


@dataclass(frozen=True)
class _DisarmingWriter:
    """A writer of CSV that leaves nothing in it for a spreadsheet to run."""

    writer: csv.CSVWriter
    schema: pa.Schema

    def write_table(self, table):
        self.writer.write_table(disarmed_table(table, self.schema))


def _exists(url):
    fs, path = filesystem_of(url)
    return fs.exists(path)


def _refuse_another(earlier, plan, folder):
    for name in {**plan, **earlier}:
        if name != "version" and earlier.get(name) != plan.get(name):
            raise ScoringError(
                f"{display_url(folder)} holds parts of another run, which differs in its {name}. "
                "Delete it or choose another folder"
            )


def _join_bytes(parts, file):
    for part in parts:
        with opened(part) as read:
            shutil.copyfileobj(read, file)


def _flush_to_disk(file):
    """For a local file; files elsewhere are complete when they are closed."""
    file.flush()
    with suppress(OSError, AttributeError, ValueError):
        os.fsync(file.fileno())
