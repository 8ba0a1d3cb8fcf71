"""Opens a SQLite history; a missing file is created for the service's user only. Used by the settings.
SQLite would create it with the umask's permissions, and uses those for the files beside it (-wal, -shm).
"""

import sqlite3
from contextlib import suppress
from types import NoneType

from predictor import private_files

# Without an adapter of its own the driver looks for one, by an attribute, for each None of a row.
sqlite3.register_adapter(NoneType, lambda none: none)


class PrivateConnection(sqlite3.Connection):
    def __init__(self, database, *args, **kwargs):
        if not database.startswith((":memory:", "file:")):
            with suppress(OSError):  # SQLite reports the error
                private_files.create(database)
        super().__init__(database, *args, **kwargs)
