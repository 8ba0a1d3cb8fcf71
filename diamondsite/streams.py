"""Standard streams that were closed before the start, or cannot be written to; for manage.py and
the server."""

import os
import sys


def open_missing():
    """Opens closed standard streams to the null device. Otherwise the next opened file, such as the
    history, gets their number, and printed text is written to it."""
    while (descriptor := os.open(os.devnull, os.O_RDWR)) <= 2:
        pass
    os.close(descriptor)
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(number, "w" if number else "r", closefd=False))  # noqa: SIM115


def lost_output():
    """At the end of a command: returns the error if stdout cannot be written to, for which Python
    itself would print a traceback; else None."""
    try:
        sys.stdout.flush()
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return error
    return None
