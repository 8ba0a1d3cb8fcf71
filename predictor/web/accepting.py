"""Whether a header such as Accept or Accept-Encoding names a value; for compression and errors."""

import re

ZERO = re.compile(r"q=0(\.0*)?")


def names(header, value):
    """Whether a header's list names a value itself, with a weight above zero; wildcards do not count."""
    for offer in header.lower().split(","):
        name, *parameters = (part.strip() for part in offer.split(";"))
        if name == value:
            return not any(map(ZERO.fullmatch, parameters))
    return False
