"""How a SQLite history is opened: a file that is missing is made for the service's user only. Named by the
settings. SQLite would make it as the umask says, and the files beside it (-wal, -shm) with its permissions.
"""

import sqlite3
from contextlib import suppress

from predictor import private_files


class PrivateConnection(sqlite3.Connection):
    def __init__(self, database, *args, **kwargs):
        if not database.startswith((":memory:", "file:")):
            with suppress(OSError):  # SQLite says itself what is wrong with it
                private_files.create(database)
        super().__init__(database, *args, **kwargs)
