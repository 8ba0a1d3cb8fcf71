"""Ways to take the database away from a running server and to give it back; for test_database_away.

Each is a context manager that takes an `Installation`: the database is away inside the block.
"""

import os
import resource
import socket
import sqlite3
import threading
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from urllib.parse import urlsplit

import psycopg

from tests.waiting import wait_for

from .conftest import POSTGRES, Site
from .server import Server


class Way:
    """A TCP proxy before the database that can refuse connections, or accept data without passing it on."""

    def __init__(self, url):
        self.target = urlsplit(url).hostname, urlsplit(url).port or 5432
        self._flows = threading.Event()
        self._flows.set()
        self._sockets = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._serve()

    def cut(self):
        """Closes all connections and refuses new ones."""
        for one in [self._listener, *self._sockets]:
            _shut(one)
        self._sockets = []

    def mend(self):
        """Accepts connections again."""
        self._listener = socket.create_server(("127.0.0.1", self.port))
        self._serve()

    def silence(self):
        """Accepts data without passing it on."""
        self._flows.clear()

    def resume(self):
        """Passes on the data held back, and all that follows."""
        self._flows.set()

    def _serve(self):
        threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def _accept(self, listener):
        while True:
            try:
                near, _ = listener.accept()
                far = socket.create_connection(self.target)
            except OSError:
                return
            self._sockets += [near, far]
            for ends in ((near, far), (far, near)):
                threading.Thread(target=self._pass_on, args=ends, daemon=True).start()

    def _pass_on(self, source, target):
        try:
            while data := source.recv(65536):
                self._flows.wait()
                target.sendall(data)
        except OSError:
            pass
        _shut(source)
        _shut(target)


def _shut(one):
    with suppress(OSError):
        one.shutdown(socket.SHUT_RDWR)
    one.close()


@dataclass
class Installation:
    """A site whose server's access to its database can be disturbed by tests.

    On PostgreSQL the server connects through `way`, as a role that is not a superuser.
    """

    site: Site
    way: Way = None
    role: str = ""

    def server(self, **environment):
        """The server, not started yet."""
        if not POSTGRES:
            return BoundServer(self.site.var, **environment)
        there = f"{self.role}:{self.role}@127.0.0.1:{self.way.port}"
        url = urlsplit(self.site.url)._replace(netloc=there).geturl()
        return Server(self.site.var, url, **environment)

    def postgres(self):
        """A superuser's connection to the database, not through `way`."""
        return psycopg.connect(self.site.url, autocommit=True)

    def disconnect(self):
        """Terminates the server's sessions, as an administrator would."""
        with self.postgres() as postgres:
            postgres.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = %s",
                [self.role],
            )


@contextmanager
def installed(site):
    """An Installation on a site."""
    if not POSTGRES:
        yield Installation(site)
        return
    installation = Installation(site, Way(site.url), site.database)
    role = f'"{installation.role}"'
    with installation.postgres() as postgres:
        postgres.execute(f"CREATE ROLE {role} LOGIN PASSWORD '{installation.role}'")
        try:
            postgres.execute(f"GRANT ALL ON ALL TABLES IN SCHEMA public TO {role}")
            postgres.execute(f"GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO {role}")
            yield installation
        finally:
            installation.way.resume()
            installation.way.cut()
            postgres.execute(f"DROP OWNED BY {role}")
            postgres.execute(f"DROP ROLE {role}")


@contextmanager
def stopped(installation, server):
    """PostgreSQL's port is closed and its connections are broken."""
    installation.way.cut()
    yield
    installation.way.mend()


@contextmanager
def silent(installation, server):
    """PostgreSQL, or a network device, accepts data and does not answer."""
    installation.way.silence()
    yield
    installation.way.resume()


@contextmanager
def table_locked(installation, server):
    """Another session has locked the history's table."""
    with installation.postgres() as postgres, postgres.transaction():
        postgres.execute("LOCK TABLE predictor_prediction IN ACCESS EXCLUSIVE MODE")
        yield


def between(before, after, ends_sessions=True):
    """An outage that begins and ends with SQL; the server's sessions may be ended at its start."""

    @contextmanager
    def outage(installation, server):
        with installation.postgres() as postgres:
            postgres.execute(before.format(role=installation.role))
            if ends_sessions:
                installation.disconnect()
            yield
            postgres.execute(after.format(role=installation.role))

    return outage


out_of_connections = between(
    'ALTER ROLE "{role}" CONNECTION LIMIT 0', 'ALTER ROLE "{role}" CONNECTION LIMIT -1'
)

# Sessions started meanwhile stay read-only afterwards.
postgres_read_only = between(
    'ALTER ROLE "{role}" SET default_transaction_read_only = on',
    'ALTER ROLE "{role}" RESET default_transaction_read_only',
)

# The disk fills up while a list is written, after some of its rows.
postgres_disk_full = between(
    "CREATE FUNCTION no_room() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
    "IF NEW.source = 'batch' AND NEW.carat < 1 THEN RETURN NEW; END IF; "
    "RAISE 'could not extend file: No space left on device' USING ERRCODE = 'disk_full'; END $$; "
    "CREATE TRIGGER no_room BEFORE INSERT ON predictor_prediction "
    "FOR EACH ROW EXECUTE FUNCTION no_room()",
    "DROP FUNCTION no_room CASCADE",
    ends_sessions=False,
)


def _sqlite(installation):
    return sqlite3.connect(installation.site.var / "history.sqlite3", isolation_level=None)


@contextmanager
def sqlite_locked(installation, server):
    """Another process is in a write transaction on the history."""
    with closing(_sqlite(installation)) as other:
        other.execute("BEGIN EXCLUSIVE")
        yield
        other.execute("ROLLBACK")


@contextmanager
def sqlite_taken(installation, server):
    """Another process has locked the history exclusively before the server starts."""
    with closing(_sqlite(installation)) as other:
        other.execute("PRAGMA locking_mode=EXCLUSIVE")
        other.execute("BEGIN EXCLUSIVE")
        yield


@contextmanager
def sqlite_disk_full(installation, server):
    """The server cannot write another byte to any file."""
    limits = {pid: resource.prlimit(pid, resource.RLIMIT_FSIZE) for pid in server.workers()}
    for pid, (_, hard) in limits.items():
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (0, hard))
    yield
    for pid, before in limits.items():
        resource.prlimit(pid, resource.RLIMIT_FSIZE, before)


WITHOUT_ROOTS_RIGHTS = (
    ("setpriv", "--bounding-set=-dac_override,-dac_read_search", "--") if os.geteuid() == 0 else ()
)
"""The prefix of a command that makes file permissions apply to it even if the tests run as root."""


class BoundServer(Server):
    """A server to which file permissions apply."""

    prefix = WITHOUT_ROOTS_RIGHTS


@contextmanager
def sqlite_read_only(installation, server):
    """The history's files and their folder are read-only, for workers that have just started.

    Earlier workers have the files open and could go on writing.
    """
    var = installation.site.var
    modes = {path: path.stat().st_mode for path in [var, *var.glob("history.sqlite3*")]}
    for path, mode in modes.items():
        path.chmod(mode & ~0o222)
    server.kill(*server.workers())
    wait_for(lambda: server.status_of("/health/live") == 200, server.log_text)
    yield
    for path, mode in modes.items():
        if path.exists():
            path.chmod(mode)


# Each outage, and whether reads fail too.
if POSTGRES:
    OUTAGES = {
        "stopped": (stopped, True),
        "silent": (silent, True),
        "out of connections": (out_of_connections, True),
        "locked": (table_locked, True),
        "disk full": (postgres_disk_full, False),
        "read-only": (postgres_read_only, False),
    }
    BEFORE_THE_START = stopped
else:
    OUTAGES = {
        "locked": (sqlite_locked, False),
        "disk full": (sqlite_disk_full, False),
        "read-only": (sqlite_read_only, True),
    }
    BEFORE_THE_START = sqlite_taken
