"""From bytes to text. The encoding of a file is detected while it is read, so that it is read once.

UTF-8 and UTF-16 are detected by their bytes; other files are in a Windows code page, and their letters
decide between the Central European and the Western one. Called by rows.py.
"""

import codecs
import io
import re
from typing import Any, BinaryIO

from .errors import DatasetError, Note, gettext_noop
from .files import HEAD, refuse_foreign

MARKS = {
    codecs.BOM_UTF8: "utf-8",
    codecs.BOM_UTF32_LE: "utf-32",  # before UTF-16, whose mark is a prefix of it
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
CODE_PAGES = ("cp1250", "cp1252")
WESTERN = re.compile(rb"[\xa3\xa5] ?\d|\d ?[\xa3\xa5]|mm[\xb2\xb3]|[\x81\x83\x88\x90\x98]")
"""Bytes that have a meaning in cp1252 and not in cp1250: pounds and yen next to a number, mm², mm³."""

CHUNK = 2**18
LONGEST_LINE = 1_000_000
"""Bytes in UTF-8, to within a chunk. Checked while a file is read, so that a longer line is never in
memory."""

NOT_THROUGHOUT = gettext_noop("is not {encoding} throughout, as its start says")
ENDLESS = gettext_noop("line {line} is longer than {most} characters")
NUL = gettext_noop(
    "line {line} contains a zero byte, so it is not text: save the table as CSV in UTF-8"
)
NO_TEXT = gettext_noop("is not text: save the table as CSV in UTF-8")


def as_text(source: "Recoded") -> io.TextIOWrapper:
    """A text stream of recoded bytes, line ends unchanged. Raises DatasetError while it is read."""
    return io.TextIOWrapper(io.BufferedReader(source, CHUNK), "utf-8", newline="")


class Recoded(io.RawIOBase):
    """The bytes of a stream recoded to UTF-8 from any encoding; `notes` gets what was detected.

    kind: how the file was compressed, for messages. Raises DatasetError, here or while it is read.
    size: the number of bytes so far. has_apostrophe: whether there was an apostrophe.
    """

    def __init__(self, stream: BinaryIO, kind: str, notes: list[Note]) -> None:
        self.stream, self.notes, self.ready = stream, notes, b""
        self.size = self.lines = self.of_line = 0
        self.has_apostrophe = False
        head = stream.read(CHUNK)
        self.mark, self.encoding = _by_its_start(head)
        if self.encoding == "utf-8":
            refuse_foreign(head[:HEAD], kind)
        else:
            notes.append(Note("the text is in {name}", name=self.encoding.upper()))
        self.decoder = codecs.getincrementaldecoder(self.encoding)()
        self.certain = bool(self.mark) or self.encoding != "utf-8"
        self.ready = self._checked(self._recoded(head[len(self.mark) :], False))

    @property
    def is_marked(self) -> bool:
        """Whether it looks written by a spreadsheet: has a byte-order mark, or is not in UTF-8."""
        return bool(self.mark) or self.encoding != "utf-8"

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self.ready:
            chunk = self.stream.read(CHUNK)
            self.ready = self._checked(self._recoded(chunk, not chunk))
            if not chunk:
                break
        size = min(len(buffer), len(self.ready))
        buffer[:size], self.ready = self.ready[:size], self.ready[size:]
        return size

    def _checked(self, chunk: bytes) -> bytes:
        """A chunk, after a check that it is text with lines of limited length; raises DatasetError."""
        self.size += len(chunk)
        self.has_apostrophe = self.has_apostrophe or b"'" in chunk
        if (place := chunk.find(0)) >= 0:
            raise DatasetError(NUL, line=self.lines + _line_ends(chunk[:place]) + 1)
        end = max(chunk.rfind(b"\n"), chunk.rfind(b"\r"))
        self.of_line = len(chunk) - end - 1 if end >= 0 else self.of_line + len(chunk)
        self.lines += _line_ends(chunk)
        if self.of_line > LONGEST_LINE:
            raise DatasetError(ENDLESS, line=self.lines + 1, most=f"{LONGEST_LINE:,}")
        return chunk

    def _recoded(self, chunk: bytes, is_last: bool) -> bytes:
        plain = self.encoding == "utf-8" and not self.decoder.getstate()[0]
        if plain and chunk.isascii():
            return chunk
        before = self.decoder.getstate()[0]
        try:
            text = self.decoder.decode(chunk, is_last)
        except UnicodeDecodeError:
            text = self._of_code_page(before + chunk)
        self.certain |= not text.isascii()
        return text.encode()

    def _of_code_page(self, chunk: bytes) -> str:
        """The text of a chunk that is not UTF-8; from then on the code page is used."""
        if self.certain:
            raise DatasetError(NOT_THROUGHOUT, encoding=self.encoding.upper())
        self.encoding = _code_page(chunk)
        self.notes.append(Note("the text is in the code page {name}", name=self.encoding))
        self.decoder = codecs.getincrementaldecoder(self.encoding)()
        return self.decoder.decode(chunk)


def _line_ends(chunk: bytes) -> int:
    return chunk.count(b"\n") or chunk.count(b"\r")


def _code_page(chunk: bytes) -> str:
    pages = reversed(CODE_PAGES) if WESTERN.search(chunk) else CODE_PAGES
    for page in pages:
        try:
            chunk.decode(page)
        except UnicodeDecodeError:
            continue
        return page
    raise DatasetError(NO_TEXT)


def _by_its_start(head: bytes) -> tuple[bytes, str]:
    """(the byte-order mark, the encoding) at the start of a file; "utf-8" if it cannot be detected."""
    for mark, encoding in MARKS.items():
        if head.startswith(mark):
            return mark if encoding == "utf-8" else b"", encoding
    # In UTF-16 nearly every other byte of a header in Latin letters is zero.
    pairs = head[:HEAD]
    pairs = pairs[: len(pairs) // 2 * 2]
    low, high = pairs[::2].count(0), pairs[1::2].count(0)
    if high * 4 > len(pairs) and not low:
        return b"", "utf-16-le"
    if low * 4 > len(pairs) and not high:
        return b"", "utf-16-be"
    return b"", "utf-8"
