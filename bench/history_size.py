"""The cost of a record as the history grows, on PostgreSQL; a section of bench/scale.py.

A site is filled in steps, and the same operations are timed at each step: recording lists of
stones, reading a quote, counting a day, deleting the oldest rows.
"""

import math
import time

import psycopg

from bench.admin import asked
from bench.sites import FILL

TABLE = "predictor_prediction"
RECORDED, REPEATS = 20_000, 5
DAY = f"SELECT count(*), avg(price) FROM {TABLE} WHERE created >= %s AND created < %s"  # noqa: S608
PROJECTED = 100_000_000


def history(bench, report):
    steps = {}
    with bench.site("PostgreSQL") as site:
        before = 0
        for rows in bench.history_rows:
            report.progress(f"history: {rows:,} rows")
            site.execute(*FILL["PostgreSQL"](before + 1, rows))
            before = rows
            with psycopg.connect(site.url, autocommit=True) as connection:
                steps[rows] = _measured(connection)
        with psycopg.connect(site.url, autocommit=True) as connection:
            indexes = _indexes(connection)
        pruned = asked(site, "pruned")
    _tell(report, steps, indexes, pruned)


def _measured(connection):
    """The size of this many rows in bytes, and seconds of the operations on them."""
    size = connection.execute("SELECT pg_table_size(%s), pg_indexes_size(%s)", [TABLE, TABLE])
    table, index = size.fetchone()
    return {
        "table": table,
        "index": index,
        "record": min(record(connection) for _ in range(REPEATS)),
        "quote": median_ms(
            connection,
            f"SELECT * FROM {TABLE} WHERE id = %s",  # noqa: S608
            some_ids(connection),
        ),
        "page": median_ms(
            connection,
            f"SELECT * FROM {TABLE} ORDER BY id DESC LIMIT 100",  # noqa: S608
            [()] * 20,
        ),
        "day": median_ms(connection, DAY, _days(connection)),
    }


def record(connection):
    """Microseconds a row, of many rows copied with new ids at the end; they are rolled back."""
    started = time.perf_counter()
    with connection.transaction(force_rollback=True):
        connection.execute("SET LOCAL diamonds.door = 'open'")
        connection.execute(_copy_of_the_last())
        seconds = time.perf_counter() - started
    return seconds / RECORDED * 1e6


def _copy_of_the_last():
    columns = """created, source, client, scheme, status, request, carat, cut, color, clarity, depth,
        "table", x, y, z, volume, price, low, high, warnings, version_id, latency_ms, error"""
    return f"""
        INSERT INTO {TABLE} (id, {columns})
        SELECT (lpad(to_hex(3000000000000 + row_number() OVER ()), 12, '0')
                || '70008000' || lpad(to_hex(row_number() OVER ()), 12, '0'))::uuid, {columns}
        FROM (SELECT * FROM {TABLE} ORDER BY id DESC LIMIT {RECORDED}) AS last"""  # noqa: S608


def some_ids(connection):
    sample = f"SELECT id FROM {TABLE} TABLESAMPLE BERNOULLI(0.01) LIMIT 200"  # noqa: S608
    return connection.execute(sample).fetchall()


def _days(connection):
    """Ten periods of a thousand seconds of answers, from the whole history."""
    first, last = connection.execute(f"SELECT min(created), max(created) FROM {TABLE}").fetchone()  # noqa: S608
    step, width = (last - first) / 11, (last - first) / (last - first).total_seconds() * 10_000
    return [(first + place * step, first + place * step + width) for place in range(1, 11)]


def median_ms(connection, statement, arguments):
    found = []
    for some in arguments:
        started = time.perf_counter()
        connection.execute(statement, some).fetchall()
        found.append((time.perf_counter() - started) * 1000)
    return sorted(found)[len(found) // 2]


def _indexes(connection):
    """{index: bytes}."""
    found = connection.execute(
        "SELECT indexrelname, pg_relation_size(indexrelid) FROM pg_stat_user_indexes WHERE relname = %s",
        [TABLE],
    )
    return dict(found.fetchall())


def _tell(report, steps, indexes, pruned):
    (few, first), (many, last) = next(iter(steps.items())), list(steps.items())[-1]
    decades = math.log10(many / few)
    rows = []
    for name, what in {
        "record": "a row recorded, µs",
        "quote": "a quote by its id, ms",
        "page": "the first page of the list, ms",
        "day": "10,000 rows of a time, counted, ms",
    }.items():
        measured = ", ".join(f"{step[name]:.2f}" for step in steps.values())
        growth = (last[name] / first[name]) ** (1 / decades)
        projected = last[name] * max(growth, 1) ** math.log10(PROJECTED / many)
        rows.append(
            (
                what,
                "",
                f"{measured}; times {growth:.2f} for ten times the rows, {projected:.2f} "
                f"at {PROJECTED:,}",
                None,
            )
        )
    for name in ("table", "index"):
        each = last[name] / many
        all_of_it = f"{each * PROJECTED / 1e9:.0f} GB at {PROJECTED:,}"
        rows.append((f"{name}, bytes a row", "", f"{each:.0f}; {all_of_it}", None))
    report.table(f"The history on PostgreSQL at {', '.join(f'{n:,}' for n in steps)} rows", rows)
    report.table(
        f"Its indexes at {many:,} rows",
        [
            *((name, "", f"{size / 1e6:,.0f} MB", None) for name, size in sorted(indexes.items())),
            (
                "deleting the oldest, archived, rows/s",
                "",
                f"{pruned['rows'] / pruned['seconds']:,.0f}",
                None,
            ),
        ],
    )
