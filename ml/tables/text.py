"""From bytes to text: which encoding a file is in, where that is certain."""

import codecs
from functools import partial

from .errors import DatasetError, Note
from .files import HEAD, refuse_foreign

MARKS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF32_LE: "utf-32",  # before UTF-16, whose mark is the beginning of this one
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
ANY_BYTE = "latin-1"
"""Read so, a file in any code page gives grades and numbers right, which are ASCII; cells that
hold anything else are refused."""


def encoding_of(stream, kind):
    """(the encoding of a file, what is to be noted of it); reads all of it, to be sure."""
    head = stream.read(HEAD)
    encoding = _by_its_start(head)
    if encoding == "utf-8":
        refuse_foreign(head, kind)
    try:
        _decode(head, stream, encoding)
    except UnicodeDecodeError:
        if encoding != "utf-8":
            name = encoding.removesuffix("-sig").upper()
            raise DatasetError("is not {name} throughout, as its start says", name=name) from None
        return ANY_BYTE, [Note("the text is in a code page, not UTF-8")]
    if encoding.startswith("utf-8"):
        return encoding, []
    return encoding, [Note("the text is in {name}", name=encoding.upper())]


def _by_its_start(head):
    for mark, encoding in MARKS.items():
        if head.startswith(mark):
            return encoding
    # The header is ASCII, of which UTF-16 makes every other byte a zero.
    pairs = head[: len(head) // 2 * 2]
    if pairs and not any(pairs[1::2]) and all(pairs[::2]):
        return "utf-16-le"
    if pairs and not any(pairs[::2]) and all(pairs[1::2]):
        return "utf-16-be"
    return "utf-8"


def _decode(head, stream, encoding):
    decoder = codecs.getincrementaldecoder(encoding)()
    decoder.decode(head)
    for chunk in iter(partial(stream.read, 2**18), b""):
        decoder.decode(chunk)
    decoder.decode(b"", final=True)
