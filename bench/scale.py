"""Measures work for more than one machine: millions of stones, a long history. `make bench-scale`
runs it.

Everything is measured side by side in one run. The exit status is 0, whether or not targets are met.
"""

import argparse
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil
import psycopg

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench.history_size import history
from bench.measuring import Bench
from bench.partitioning import partitions
from bench.replicas import replicas
from bench.report import Report
from bench.servers import ROOT, environment_of_sites

GROUP_ROWS = 1_000_000
"""Rows of a row group, as pandas and pyarrow write them."""


class Files:
    """Files of random graded stones, and a site to price them with."""

    def __init__(self, bench, folder):
        self.folder, self.bench = folder, bench

    def of(self, rows):
        """The Parquet file with this many stones; kept between runs."""
        path = self.bench.folder / f"stones-{rows}.parquet"
        if not path.exists():
            run("make_stones", str(path), str(rows))
        return path

    def score(self, site, source, *options):
        """(seconds, rows/s, the largest process's peak of memory in MB) of one run of the command."""
        out = self.folder / "out"
        shutil.rmtree(out, ignore_errors=True)
        command = [sys.executable, "manage.py", "score", str(source), str(out), *options]
        started = time.perf_counter()
        process = subprocess.Popen(  # noqa: S603 - our own command
            command,
            cwd=ROOT,
            env=environment_of_sites() | site.environment,
            stdout=subprocess.DEVNULL,
        )
        peak = watched(process)
        seconds = time.perf_counter() - started
        if process.returncode:
            raise SystemExit(f"{' '.join(command)} ended with {process.returncode}")
        rows = sum(
            json.loads((out / "_SUCCESS").read_text())[n][0]
            for n in json.loads((out / "_SUCCESS").read_text())
        )
        return {"seconds": seconds, "rate": rows / seconds, "peak": peak}


def watched(process):
    """The largest peak of memory of a process and its children, MB, at its end."""
    peak, watching = 0, psutil.Process(process.pid)
    while process.poll() is None:
        try:
            for one in [watching, *watching.children(recursive=True)]:
                peak = max(peak, one.memory_info().rss / 1e6)
        except psutil.NoSuchProcess:
            pass
        time.sleep(0.1)
    return peak


def run(task, *arguments):
    """The output of a task of bench/engines.py, as JSON."""
    command = [sys.executable, "-W", "ignore", "-m", "bench.engines", task, *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode:
        return {"failed": (done.stderr.strip().splitlines() or ["killed"])[-1][:200]}
    return json.loads(done.stdout.splitlines()[-1])


def spread(values, digits=0):
    """Median, minimum and maximum."""
    middle = statistics.median(values)
    return f"{middle:,.{digits}f} ({min(values):,.{digits}f} to {max(values):,.{digits}f})"


def files(bench, report):
    """Parquet in, Parquet out: one worker, two, and scikit-learn's own predict, taking turns."""
    with tempfile.TemporaryDirectory() as folder, bench.site("SQLite") as site:
        several = Files(bench, Path(folder))
        source, most = several.of(bench.score_rows), several.of(bench.most_rows)
        report.progress(f"{bench.score_rows:,} stones, {bench.rounds} rounds")
        found = {"one": [], "two": [], "sklearn": []}
        for _ in range(bench.rounds):
            found["one"].append(several.score(site, source, "--workers", "1"))
            found["two"].append(several.score(site, source, "--workers", "2"))
            out = str(Path(folder) / "sklearn.parquet")
            found["sklearn"].append(run("sklearn", str(bench.folder), str(source), out))
        report.progress(f"{bench.most_rows:,} stones")
        large = several.score(site, most, "--workers", "2")
    rates = {name: [one["rate"] for one in some] for name, some in found.items()}
    over = [a / b for a, b in zip(rates["two"], rates["sklearn"], strict=True)]
    twice = [a / b for a, b in zip(rates["two"], rates["one"], strict=True)]
    report.table(
        f"A file of {bench.score_rows:,} graded stones, priced with range and warnings",
        [
            ("one worker, from the command's start, rows/s", "", spread(rates["one"]), None),
            ("two workers, rows/s", "", spread(rates["two"]), None),
            ("scikit-learn, price alone, once loaded, rows/s", "", spread(rates["sklearn"]), None),
            (
                "two workers over scikit-learn's predict(n_jobs=-1)",
                ">= 3x",
                spread(over, 2) + "x",
                statistics.median(over) >= 3,
            ),
            (
                "two workers over one",
                ">= 1.7x",
                spread(twice, 2) + "x",
                statistics.median(twice) >= 1.7,
            ),
        ],
    )
    report.table(
        f"A file of {bench.most_rows:,} stones, two workers",
        [
            ("rows/s", "", f"{large['rate']:,.0f}, {large['seconds']:.0f} s", None),
            (
                "two workers over scikit-learn's predict(n_jobs=-1)",
                ">= 3x",
                f"{large['rate'] / statistics.median(rates['sklearn']):.2f}x",
                large["rate"] >= 3 * statistics.median(rates["sklearn"]),
            ),
            (
                "memory of the largest process",
                "<= 1,000 MB",
                f"{large['peak']:,.0f} MB",
                large["peak"] <= 1000,
            ),
        ],
    )


SECTIONS = {
    "files": files,
    "replicas": replicas,
    "history": history,
    "partitions": partitions,
}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="fewer rows and rounds")
    parser.add_argument("--only", choices=SECTIONS, nargs="+", help="these sections")
    parser.add_argument(
        "--folder", type=Path, default=ROOT / "var" / "bench", help="kept between runs"
    )
    parser.add_argument(
        "--postgres", default="postgres://postgres@127.0.0.1/postgres", metavar="URL"
    )
    options = parser.parse_args()
    options.postgres_rows = options.sqlite_rows = 0
    options.against = None
    report, bench = Report(), Bench(options)
    bench.score_rows, bench.most_rows = (
        (500_000, 1_000_000) if options.quick else (5_000_000, 10_000_000)
    )
    bench.history_rows = (100_000, 1_000_000) if options.quick else (100_000, 1_000_000, 10_000_000)
    bench.partitioned_rows = 1_000_000 if options.quick else 20_000_000
    bench.rounds = 2 if options.quick else 3
    bench.seconds = 3
    report.environment("scikit-learn", "pyarrow", "psycopg")
    bench.prepare()
    run("prepare", str(bench.folder))
    for name in options.only or SECTIONS:
        report.progress(name)
        if name != "files" and not answers(options.postgres):
            report.progress("PostgreSQL does not answer: left out")
            continue
        SECTIONS[name](bench, report)
    report.summary()


def answers(url):
    """Whether a PostgreSQL server answers."""
    try:
        psycopg.connect(url).close()
    except psycopg.OperationalError:
        return False
    return True


if __name__ == "__main__":
    main()
