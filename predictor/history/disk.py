"""What has been written is on the disk, not only on its way there."""

import os


def settle(path):
    """Has the disk keep what a file, or a folder's list of files, holds by now; OSError."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
