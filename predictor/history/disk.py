"""Makes sure that written files are on the disk."""

import os


def settle(path):
    """Flushes a file, or a folder's list of files, to the disk (fsync); raises OSError."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
