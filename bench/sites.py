"""Temporary sites for bench/api.py: a VAR_DIR with both forests active, a database, a filled
history."""

import sqlite3
from contextlib import closing

import psycopg

NAME = "diamonds_bench"
COLUMNS = """id, created, source, client, scheme, status, request, carat, cut, color, clarity, depth,
    "table", x, y, z, volume, price, low, high, warnings, version_id, latency_ms, error"""
# ruff: noqa: S608 - SQL of our own numbers
RARE = "n % CASE WHEN n <= 10000 THEN 150 ELSE {often} END = 0"
"""True for a page of rows among the first ten thousand, and for few of the others."""
VARIED = f"""CASE WHEN {RARE.format(often=7000)} THEN 'batch' ELSE 'api' END,
    CASE WHEN {RARE.format(often=6000)} THEN 'anna' ELSE '' END,
    'coded', CASE WHEN {RARE.format(often=8000)} THEN 400 ELSE 200 END,
    'carat=0.37&cut=3&color=0&clarity=2',
    0.2 + (n * 7 % 300) / 100.0, '3', '0', '2', 59.2, 61, NULL, NULL, NULL, 60.063,
    300 + n * 7919 % 19000, 250 + n * 7919 % 19000, 400 + n * 7919 % 19000,
    '[]', (SELECT min(id) FROM predictor_modelversion WHERE scheme = 'coded'), 0.4,
    CASE WHEN {RARE.format(often=8000)} THEN '{{"carat": ["x"]}}' ELSE NULL END"""


def _varied_sqlite(first, last):
    yield f"""
        WITH RECURSIVE made(n) AS (SELECT {first} UNION ALL SELECT n + 1 FROM made WHERE n < {last})
        INSERT INTO predictor_prediction ({COLUMNS})
        SELECT printf('%012x7%03x8000%012x', 1700000000000 + n * 1000, n % 4096, n),
            datetime(1700000000 + n, 'unixepoch'), {VARIED} FROM made"""
    yield "ANALYZE"


def _varied_postgresql(first, last):
    yield "SET session_replication_role = replica"
    values = VARIED.replace("ELSE NULL END", "ELSE NULL END::jsonb").replace("'[]'", "'[]'::jsonb")
    yield f"""
        INSERT INTO predictor_prediction ({COLUMNS})
        SELECT (lpad(to_hex(1700000000000 + n * 1000), 12, '0') || '70008000'
                || lpad(to_hex(n), 12, '0'))::uuid,
            to_timestamp(1700000000 + n), {values}
        FROM generate_series({first}::bigint, {last}) AS n"""
    yield "VACUUM ANALYZE predictor_prediction"


FILL = {"SQLite": _varied_sqlite, "PostgreSQL": _varied_postgresql}
"""By kind of site: the statements that add answers number `first` to `last`, a second apart."""


class SqliteSite:
    """A site on SQLite, all of it in one folder."""

    def __init__(self, folder):
        self.environment = {"VAR_DIR": str(folder)}
        self.path = folder / "history.sqlite3"

    def execute(self, *statements):
        """The first value of the last statement's result."""
        with closing(sqlite3.connect(self.path, timeout=60)) as connection, connection:
            found = [connection.execute(statement) for statement in statements][-1].fetchone()
            return found and found[0]

    def drop(self):
        self.path.unlink(missing_ok=True)


class PostgresSite:
    """A site on PostgreSQL, in a separate database."""

    def __init__(self, folder, server, name):
        self.server, self.name = server, name
        self.url = f"{server.rsplit('/', 1)[0]}/{name}"
        self.environment = {"VAR_DIR": str(folder), "DATABASE_URL": self.url}

    def create(self):
        self.drop()
        with psycopg.connect(self.server, autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {self.name}")

    def execute(self, *statements):
        with psycopg.connect(self.url, autocommit=True) as connection:
            cursors = [connection.execute(statement) for statement in statements]
            return cursors[-1].fetchone()[0] if cursors[-1].description else None

    def drop(self):
        with psycopg.connect(self.server, autocommit=True) as connection:
            connection.execute(f"DROP DATABASE IF EXISTS {self.name} WITH (FORCE)")
