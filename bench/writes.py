"""How long writers of many rows hold up prices: the time of their transactions, and the answers of a
loaded server beside them; a section of bench/api.py."""

from statistics import median

from bench.admin import asked, result_of, start
from bench.measuring import EXAMPLE
from bench.servers import OURS, load, serving
from bench.sites import FILL

MOST = 1_000_000
LONGEST_MS = 50
PROCESSOR = 5
"""The most processor seconds of 10,000 rows."""

TIMES = 2
"""The most p99 beside a writer, as a multiple of that in calm."""


BESIDE = {"files of 10,000 actual prices": "uploads", "pruning": "prunes"}


def writes(bench, report):
    for kind, rows in bench.rows.items():
        rows = min(rows, MOST)
        with bench.site(kind) as site:
            site.execute(*FILL[kind](1, rows))
            found = asked(site, "writers", worker="write_worker")
            title = f"Transactions that write, {rows:,} predictions on {kind}"
            target = LONGEST_MS if kind == "SQLite" else None
            report.table(title, [_row(name, target, **one) for name, one in found.items()])
            with serving(OURS, EXAMPLE, **site.environment) as server:
                for name, what in BESIDE.items():
                    rounds = [_round(bench, site, server, what) for _ in range(bench.rounds)]
                    report.table(f"Prices beside {name}, {kind}", [*_beside(rounds)])


def _row(name, target, *, transactions, rows, seconds, processor, work):
    measured = (
        f"{seconds * 1e3:.0f} ms, of processor {processor * 1e3:.0f} ms; at most {rows:,} rows in each of "
        f"{transactions:,}, {work:.1f} s of processor in all"
    )
    return name, target and f"<= {target} ms", measured, target and seconds * 1e3 <= target


def _round(bench, site, server, what):
    """The answers without the writer, those beside it, and what it measured."""
    send = bench.requests("coded"), bench.seconds, 8
    calm = load(server, *send)
    writer = start(site, what, str(bench.seconds), worker="write_worker")
    return calm, load(server, *send, strict=False), result_of(writer)


def _beside(rounds):
    calm, beside, writers = zip(*rounds, strict=True)
    refused, answers = sum(map(_refused, beside)), sum(one["answers"] for one in beside)
    yield "answers that are not 200", "0", f"{refused} of {answers:,}", refused == 0
    times = median(b["p99"] / a["p99"] for a, b in zip(calm, beside, strict=True))
    before, after = (median(one["p99"] for one in some) for some in (calm, beside))
    measured = f"{times:.2f}x: {before:.1f} to {after:.1f} ms"
    yield "p99, over that in calm", f"<= {TIMES}x", measured, times <= TIMES
    each = max(one["processor"] for one in writers)
    yield "processor of 10,000 rows", f"<= {PROCESSOR} s", f"{each:.1f} s", each <= PROCESSOR


def _refused(found):
    return found["refused"] + found["broken"]
