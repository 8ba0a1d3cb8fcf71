"""Builds data files for the tests: the sample in every format that people use."""

import bz2
import gzip
import io
import lzma
import zipfile

from ml.stones import COLUMNS
from ml.tables.files import zstd

HEADER = ",".join(COLUMNS)


def row(**changes):
    """A line of a table, with some values replaced."""
    stone = dict(
        carat=0.7,
        cut="Ideal",
        color="G",
        clarity="VS1",
        depth=61.5,
        table=56,
        price=2700,
        x=5.73,
        y=5.7,
        z=3.51,
    )
    return ",".join(str(value) for value in {**stone, **changes}.values())


def table(*rows, header=HEADER):
    """The bytes of a CSV file."""
    return "\n".join([header, *rows, ""]).encode()


def zipped(**files):
    """The bytes of a zip file; `__` in a name stands for a dot."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name.replace("__", "."), content)
    return target.getvalue()


def mac_zipped(content):
    """A zip file like those of macOS."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        archive.writestr("stones/", b"")
        archive.writestr("stones/diamonds.csv", content)
        archive.writestr("stones/.DS_Store", b"\0\0\0\1Bud1")
        archive.writestr("__MACOSX/stones/._diamonds.csv", b"\0\5\26\7")
    return target.getvalue()


def encrypted_zip():
    """A zip file whose only member is marked as encrypted."""
    content = bytearray(zipped(diamonds__csv=table(row())))
    for mark, place in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        content[content.index(mark) + place] |= 1
    return bytes(content)


PACKED = {
    "gzip": gzip.compress,
    "bzip2": bz2.compress,
    "xz": lzma.compress,
    "zstd": zstd.compress,
    "zip": lambda content: zipped(diamonds__csv=content),
}
ENDINGS = {"gzip": ".gz", "bzip2": ".bz2", "xz": ".xz", "zstd": ".zst", "zip": ".zip"}
