"""Standard streams that were closed before the start, or take nothing more; for what starts here."""

import os
import sys


def open_missing():
    """Lets those that were closed lead nowhere: else the next file to be opened, as the history, gets
    their number, and what is printed with it."""
    while (descriptor := os.open(os.devnull, os.O_RDWR)) <= 2:
        pass
    os.close(descriptor)
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(number, "w" if number else "r", closefd=False))  # noqa: SIM115


def lost_output():
    """At a command's end: the error where stdout does not take what is left, of which Python itself
    would make a traceback; else None."""
    try:
        sys.stdout.flush()
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return error
    return None
