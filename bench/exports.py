"""Exports of the whole history as jobs: their rows and the sum of their prices against the database, the
memory of the worker, and that of the server while a slow client downloads; a section of bench/api.py."""

import csv
import http.client
import json
import math
import socket
import subprocess
import sys
import time
from contextlib import closing, contextmanager
from pathlib import Path

from pyarrow import compute, parquet

from bench.admin import asked
from bench.measuring import EXAMPLE
from bench.servers import OURS, ROOT, Void, environment_of_sites, pss, serving
from bench.sites import FILL

MOST = 1_000_000
TICK = 0.5
SLOW_SECONDS, SLOW_BYTES = 20, 64_000
"""How long the slow client reads at most this many bytes a TICK; then it reads the rest."""

MEMORY = 300
"""The most memory of a worker or a server's process, MB."""


def exports(bench, report):
    for kind, rows in bench.rows.items():
        rows = min(rows, MOST)
        with bench.site(kind) as site:
            site.execute(*FILL[kind](1, rows))
            with serving(OURS, EXAMPLE, **site.environment) as server, _worker(site) as worker:
                expected = _whole(site, kind)  # with the server's first answer
                for ending, read in READERS.items():
                    job = asked(site, ending, worker="export_worker")
                    peak, seconds = _peak_until_done(site, worker, job["pk"])
                    path = bench.folder / f"export.{ending}"
                    web = _downloaded(server, **job, path=path)
                    table = _rows(read(path), expected, peak, web, seconds)
                    report.table(f"An export as {ending}, {rows:,} predictions on {kind}", table)
                    path.unlink()


def _whole(site, kind):
    """The rows of the history, and the sum of its prices, in whole dollars as the API returns them."""
    prices = f"SELECT sum({WHOLE_DOLLARS[kind]}) FROM predictor_prediction WHERE status = 200"  # noqa: S608
    return site.execute("SELECT count(*) FROM predictor_prediction"), int(site.execute(prices))


WHOLE_DOLLARS = {"SQLite": "CAST(price AS INTEGER)", "PostgreSQL": "trunc(price)"}


def _rows(found, expected, peak, web, seconds):
    measured = "{:,}, {:,}".format(*found)
    yield (
        "rows, and the sum of their prices",
        "{:,}, {:,}".format(*expected),
        measured,
        found == expected,
    )
    yield "the worker", "", f"{seconds:.0f} s of processor", None
    yield "its PSS, at most", f"<= {MEMORY} MB", f"{peak:.0f} MB", peak <= MEMORY
    before, slow, size, took = web
    measured = f"{before:.0f} to {slow:.0f} MB ({size / 1e6:.0f} MB in {took:.0f} s)"
    yield "PSS of the server's processes, slow client", f"<= {MEMORY} MB", measured, slow <= MEMORY


@contextmanager
def _worker(site):
    environment = {**environment_of_sites(), **site.environment, "LOG_LEVEL": "WARNING"}
    command = [sys.executable, "manage.py", "work"]
    process = subprocess.Popen(command, cwd=ROOT, env=environment)  # noqa: S603
    try:
        yield process
    finally:
        process.terminate()
        process.wait()


def _peak_until_done(site, worker, pk):
    """The largest memory of the worker until a job is done, MB, and its processor seconds."""
    peak, before = 0, _processor(worker.pid)
    while (state := site.execute(f"SELECT state FROM predictor_job WHERE id = {int(pk)}")) in (  # noqa: S608
        "queued",
        "running",
    ):
        peak = max(peak, pss(worker.pid))
        time.sleep(TICK)
    if state != "done":
        raise Void(f"the export is {state}")
    return peak, _processor(worker.pid) - before


def _processor(pid):
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / 100


def _downloaded(server, pk, cookie, path):
    """Downloads a job's file, slowly at first: (the memory of the server's processes before, the most
    meanwhile, MB; bytes; seconds)."""
    begun, before, most = time.monotonic(), _memory(server), 0
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    with closing(connection), path.open("wb") as file:
        connection.connect()
        connection.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SLOW_BYTES)
        connection.request("GET", f"/admin/predictor/job/{pk}/file/", headers={"Cookie": cookie})
        response = connection.getresponse()
        if response.status != 200:
            raise Void(f"the file: {response.status}")
        while time.monotonic() - begun < SLOW_SECONDS:
            file.write(response.read(SLOW_BYTES))
            most = max(most, _memory(server))
            time.sleep(TICK)
        while part := response.read(2**24):
            file.write(part)
            most = max(most, _memory(server))
    return before, most, path.stat().st_size, time.monotonic() - begun


def _memory(server):
    return max(map(pss, server.workers()))


# What a file has: its rows, and the sum of its prices


def _of_csv(path):
    with path.open(encoding="utf-8", newline="") as file:
        return _summed(row["predicted_price"] for row in csv.DictReader(file))


def _of_json_lines(path):
    with path.open(encoding="utf-8") as file:
        return _summed(json.loads(line)["predicted_price"] for line in file)


def _summed(prices):
    rows = total = 0
    for price in prices:
        rows, total = rows + 1, total + math.trunc(float(price or 0))
    return rows, total


def _of_parquet(path):
    table = parquet.read_table(path, columns=["predicted_price"])
    return table.num_rows, compute.sum(table["predicted_price"]).as_py()


READERS = {"csv": _of_csv, "jsonl": _of_json_lines, "parquet": _of_parquet}
