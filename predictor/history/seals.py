"""Seals: a signed Merkle root over the records of each day (UTC), in files outside of the database.

With them a record that is changed, taken out or added later is found, even if a superuser of the database
did it. The folder is SEALS_DIR, where the users of the database cannot write. A sealed day has

- DAY.head: what is signed: the number of records, the root, the columns, and the hash of the head before;
- DAY.leaves: private: a secret, then the id and the leaf hash of each record, in the order of the ids;
- DAY.pruned: a bit for each record that pruning deleted: any other missing record is reported.

A leaf is a salt and the record as JSON. The salt is a keyed hash of the id, by the day's secret: without it
nobody can guess a record from its hash, and the proofs of other records show nothing of it. Called by
manage.py receipt and by pruning.
"""

import fcntl
import hmac
import json
import mmap
import os
import re
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from hashlib import sha256
from itertools import islice
from pathlib import Path
from uuid import UUID

from django.conf import settings
from django.utils import timezone

from predictor import private_files
from predictor.models import Prediction
from predictor.models.ids import time_of
from predictor.signing import jws

from .batches import BATCH
from .disk import settle
from .locks import one_at_a_time
from .merkle import Tree, leaf_hash, path_of, root_by_path
from .partitions import first_id

KIND = "diamond-seal+jws"
COLUMNS = [column.attname for column in Prediction._meta.concrete_fields]
DAY = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})\.head")
GRACE = timedelta(minutes=10)
"""How long after its end a day is sealed: records may be committed a little after their ids were made."""

BEGINNING = b"diamonds-leaves\n"
ID, HASH = 16, 32
ENTRY = ID + HASH
"""Bytes of an entry; the beginning of the file and its secret have as many."""

AT_ONCE = 4096
"""Entries read at a time."""

NAMED = 20
"""The most records of a kind that are named."""

encode = json.JSONEncoder(
    ensure_ascii=False, separators=(",", ":"), sort_keys=True, default=lambda value: _text(value)
).encode


class SealError(Exception):
    """A seal that is missing or was changed, or a record that has none."""


@dataclass
class DayCheck:
    """How a day's records compare with its seal. rows, pruned, changed, missing, added: numbers of records;
    rows: of those that are as sealed. named: [(kind, id), …], the first ones that are not. wrong: what is
    wrong with the seal itself."""

    day: date
    rows: int = 0
    pruned: int = 0
    changed: int = 0
    missing: int = 0
    added: int = 0
    named: list = field(default_factory=list)
    wrong: str = ""

    @property
    def is_intact(self):
        """Whether nothing was changed, taken out or added."""
        return not (self.wrong or self.changed or self.missing or self.added)

    def note(self, kind, id_):
        """Counts a record that is not as sealed."""
        setattr(self, kind, getattr(self, kind) + 1)
        if len(self.named) < NAMED:
            self.named.append((kind, UUID(bytes=id_)))


# Records as leaves


def _text(value):
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="microseconds")
    return str(value)


def _salt(secret, id_):
    return hmac.digest(secret, id_, "sha256")


def _leaf(salt, values):
    return leaf_hash(salt + encode(values).encode())


def _rows(day, columns):
    """(id, values) of a day's records in the order of their ids; id: bytes, values: a list by columns."""
    start, end = (first_id(_midnight(one)) for one in (day, day + timedelta(days=1)))
    rows = Prediction.objects.filter(pk__lt=end).order_by("pk").values_list("pk", *columns)
    batch = [*rows.filter(pk__gte=start)[:BATCH]]
    while batch:
        for key, *values in batch:
            yield key.bytes, values
        batch = [*rows.filter(pk__gt=batch[-1][0])[:BATCH]] if len(batch) == BATCH else []


def _midnight(day):
    return datetime.combine(day, time.min, UTC)


# Files


def folder():
    """Where the seals are."""
    return Path(settings.SEALS_DIR)


def _path(day, kind):
    return folder() / f"{day}.{kind}"


def sealed_days():
    """The days that are sealed, oldest first; SealError for a head whose name is no day."""
    names = [path.name for path in folder().glob("*.head")]
    try:
        return sorted(date.fromisoformat(found[1]) for found in map(DAY.fullmatch, names) if found)
    except ValueError as error:
        raise SealError(f"{folder()} has a head of no day: {error}") from None


def head_of(day):
    """What the head of a day says; SealError if it is missing, or not signed here."""
    try:
        return jws.verified(_path(day, "head").read_text("ascii"), KIND)
    except FileNotFoundError:
        raise SealError(f"{day} is not sealed") from None
    except (jws.NotValid, UnicodeDecodeError) as error:
        raise SealError(f"the head of {day} is not genuine: {error}") from None


class Leaves:
    """The file of a day's leaves, open for reading. SealError if it is none."""

    def __init__(self, day):
        try:
            self._file = _path(day, "leaves").open("rb")
        except FileNotFoundError:
            raise SealError(f"the leaves of {day} are missing") from None
        beginning = self._file.read(ENTRY)
        self.size, rest = divmod(os.fstat(self._file.fileno()).st_size - ENTRY, ENTRY)
        self.secret = beginning[ID:]
        if rest or len(beginning) < ENTRY or not beginning.startswith(BEGINNING):
            self._file.close()
            raise SealError(f"the leaves of {day} are damaged")

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self._file.close()

    def entries(self, start=0, end=None):
        """(place, id, leaf hash) of the entries from `start` to before `end`."""
        end = self.size if end is None else end
        for first in range(start, end, AT_ONCE):
            count = min(AT_ONCE, end - first)
            part = os.pread(self._file.fileno(), count * ENTRY, (first + 1) * ENTRY)
            for place in range(count):
                entry = part[place * ENTRY : (place + 1) * ENTRY]
                yield first + place, entry[:ID], entry[ID:]

    def hashes(self, start, end):
        """The leaf hashes of these places."""
        return (leaf for _, _, leaf in self.entries(start, end))

    def place_of(self, id_):
        """The place of an id; None if it was not sealed."""
        return next(self.places_of([id_]), None)

    def places_of(self, ids):
        """The places of those of the ids that were sealed; reads all that lies between them."""
        wanted, last = {*ids}, max(ids)
        for place, id_, _ in self.entries(self._first_from(min(ids))):
            if id_ > last:
                return
            if id_ in wanted:
                yield place

    def _first_from(self, id_):
        """The place of the first entry whose id is not smaller."""
        low, high = 0, self.size
        while low < high:
            middle = (low + high) // 2
            if os.pread(self._file.fileno(), ID, (middle + 1) * ENTRY) < id_:
                low = middle + 1
            else:
                high = middle
        return low


# Sealing


def days_to_seal():
    """The days that have ended and are not sealed, oldest first: from the first record on, without a
    gap. SealError if there is a seal of a day to come, because all days before it would be left out."""
    sealed = sealed_days()
    if sealed and _midnight(sealed[-1]) > timezone.now():
        raise SealError(f"{sealed[-1]} is sealed, but has not begun: run manage.py receipt check")
    if sealed:
        day = sealed[-1] + timedelta(days=1)
    else:
        first = Prediction.objects.order_by("pk").values_list("pk", flat=True).first()
        if first is None:
            return
        day = time_of(first).date()
    while _midnight(day + timedelta(days=1)) + GRACE <= timezone.now():
        yield day
        day += timedelta(days=1)


def seal(progress=None):
    """Seals the days that are to be sealed; yields (day, number of records). KeysUnusable, SealError,
    OSError.

    progress: called with the number of records of the day that are done. If it is killed, the next call
    begins with the same day again.
    """
    private_files.make_folder(folder())
    with one_at_a_time("seals"):
        for day in days_to_seal():
            yield day, _seal_day(day, progress)


def _seal_day(day, progress):
    tree, previous = Tree(), sealed_days()[-1:]
    part = _path(day, "leaves.part")
    with private_files.opened(part) as file:
        secret = os.urandom(HASH)
        file.write(BEGINNING + secret)
        for id_, values in _rows(day, COLUMNS):
            leaf = _leaf(_salt(secret, id_), values)
            tree.add(leaf)
            file.write(id_ + leaf)
            if progress and tree.size % BATCH == 0:
                progress(tree.size)
    _put(part, _path(day, "leaves"))
    head = {
        "day": str(day),
        "size": tree.size,
        "root": tree.root().hex(),
        "columns": COLUMNS,
        "previous": _fingerprint(previous[0]) if previous else None,
        "sealed": _text(timezone.now()),
    }
    part = _path(day, "head.part")
    with private_files.opened(part) as file:
        file.write(jws.sign(head, KIND).encode())
    _put(part, _path(day, "head"))
    return tree.size


def _fingerprint(day):
    """A day, and the sha256 of its head's file."""
    return {"day": str(day), "sha256": sha256(_path(day, "head").read_bytes()).hexdigest()}


def _put(part, path):
    settle(part)
    part.replace(path)
    settle(path.parent)


# Comparing


def compare(day, progress=None):
    """The DayCheck of a sealed day: its seal against the records of the history. progress: as for `seal`.

    Pruning waits meanwhile.
    """
    found = DayCheck(day)
    try:
        head = head_of(day)
        found.wrong = _broken_chain(day, head)
        if unknown := {*head["columns"]} - {*COLUMNS}:
            raise SealError(f"this release has no column {', '.join(sorted(unknown))}")
        with one_at_a_time("seals"), Leaves(day) as leaves:
            _compare(head, leaves, found, progress)
    except SealError as error:
        found.wrong = str(error)
    return found


def _broken_chain(day, head):
    before = [one for one in sealed_days() if one < day][-1:]
    if head["previous"] is None:
        return f"{before[0]} was sealed after {day}" if before else ""
    if not before or head["previous"] != _fingerprint(before[0]):
        return f"the head of {head['previous']['day']} is missing or was replaced"
    return ""


def _compare(head, leaves, found, progress):
    """Reads leaves and records beside each other, both in the order of the ids."""
    tree, pruned = Tree(), _pruned_bits(found.day, leaves.size)
    for number, (entry, row) in enumerate(
        _merged(leaves.entries(), _rows(found.day, head["columns"])), 1
    ):
        if entry:
            tree.add(entry[2])
        _judge(entry, row, leaves.secret, pruned, found)
        if progress and number % BATCH == 0:
            progress(number)
    if (tree.size, tree.root().hex()) != (head["size"], head["root"]):
        found.wrong = f"the leaves of {found.day} do not have the root that is signed"


def _judge(entry, row, secret, pruned, found):
    if entry is None:
        found.note("added", row[0])
    elif row is None:
        place, id_, _ = entry
        if pruned[place // 8] >> place % 8 & 1:
            found.pruned += 1
        else:
            found.note("missing", id_)
    elif _leaf(_salt(secret, row[0]), row[1]) != entry[2]:
        found.note("changed", row[0])
    else:
        found.rows += 1


def _merged(entries, rows):
    """(entry, row) by the same id; None where one of them is missing."""
    entry, row = next(entries, None), next(rows, None)
    while entry or row:
        if row is None or (entry and entry[1] < row[0]):
            yield entry, None
            entry = next(entries, None)
        elif entry is None or row[0] < entry[1]:
            yield None, row
            row = next(rows, None)
        else:
            yield entry, row
            entry, row = next(entries, None), next(rows, None)


# Pruning


def _pruned_bits(day, size):
    """A bit for each leaf, as bytes."""
    path = _path(day, "pruned")
    bits = path.read_bytes() if path.exists() else b""
    return bits.ljust(size // 8 + 1, b"\0")


@contextmanager
def pruning(ids):
    """A context in which pruning deletes records, whose ids (an iterable of UUIDs) it notes first.

    No day is sealed meanwhile. Does nothing where nothing was ever sealed.
    """
    if not folder().is_dir():
        yield
        return
    with one_at_a_time("seals"):
        ids = iter(ids)
        while some := [*islice(ids, AT_ONCE)]:
            _note_pruned(some)
        yield


def _note_pruned(ids):
    by_day = {}
    for id_ in ids:
        by_day.setdefault(time_of(id_).date(), []).append(id_.bytes)
    for day, some in by_day.items():
        if _path(day, "head").exists():
            with Leaves(day) as leaves:
                _set_bits(day, leaves.size, leaves.places_of(some))


def _set_bits(day, size, places):
    """Sets the bits of these places, and writes them to the disk."""
    with private_files.opened(_path(day, "pruned"), "r+b") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        os.ftruncate(file.fileno(), size // 8 + 1)
        with mmap.mmap(file.fileno(), size // 8 + 1) as bits:
            for place in places:
                bits[place // 8] |= 1 << place % 8
            bits.flush()


# Proofs


def prove(prediction):
    """The proof that a record is in the seal of its day, as a dictionary for JSON; SealError, also if the
    record was changed since.

    It needs neither the database nor the leaves to be checked: the record and its salt give the leaf, the
    path from there the root, which the head has.
    """
    day = time_of(prediction.pk).date()
    head = head_of(day)
    with Leaves(day) as leaves:
        place = leaves.place_of(prediction.pk.bytes)
        if place is None:
            raise SealError(f"{prediction.pk} is not in the seal of {day}")
        values = [getattr(prediction, column) for column in head["columns"]]
        proof = {
            "record": json.loads(encode(dict(zip(head["columns"], values, strict=True)))),
            "salt": _salt(leaves.secret, prediction.pk.bytes).hex(),
            "index": place,
            "path": [one.hex() for one in path_of(place, leaves.size, leaves.hashes)],
            "head": _path(day, "head").read_text("ascii"),
        }
    proven(proof)
    return proof


def proven(proof):
    """What the head of a proof says, if it proves its record; SealError if not. proof: a dictionary."""
    try:
        head = jws.verified(proof["head"], KIND)
        values = [proof["record"][column] for column in head["columns"]]
        leaf = _leaf(bytes.fromhex(proof["salt"]), values)
        path = [bytes.fromhex(one) for one in proof["path"]]
        root = root_by_path(proof["index"], head["size"], leaf, path)
        extra = {*proof["record"]} - {*head["columns"]}
    except jws.NotValid as error:
        raise SealError(f"its head is not genuine: {error}") from None
    except (KeyError, TypeError, ValueError) as error:
        raise SealError(f"it is no proof ({type(error).__name__})") from None
    if extra or root is None or root.hex() != head["root"]:
        raise SealError("the record, its salt or its path was changed")
    return head
