"""Measures the forests against all their targets, and prints target and measured side by side.

`make bench-model` runs it; nothing else imports it. Every figure is measured in this run, on this
machine, the opponents' too. The exit status is 0, whether or not targets are met.
"""

# ruff: noqa: E402 - the threads must be settled before numpy is imported

import os

for threads in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(threads, "1")

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench import by_stone, own, quality, reviews, serving, shadows
from bench.report import Report
from bench.servers import ROOT

SECTIONS = {
    "by-stone": by_stone.by_stone,
    "as-published": by_stone.as_published,
    "own": own.own,
    "ranges": quality.ranges,
    "reviews": reviews.reviews,
    "shadows": shadows.shadows,
    "speed": serving.speed,
    "size": serving.size,
    "training": serving.training,
}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="one split, fewer repeats")
    parser.add_argument("--only", choices=SECTIONS, nargs="+", help="these sections")
    parser.add_argument(
        "--salts", nargs="+", choices=by_stone.SALTS, help="of by-stone; default: all"
    )
    parser.add_argument(
        "--folder", type=Path, default=ROOT / "var" / "bench", help="results kept between runs"
    )
    options = parser.parse_args()
    report = Report()
    report.environment("numpy", "scikit-learn", "xgboost", "lightgbm", "catboost")
    for name in options.only or SECTIONS:
        SECTIONS[name](report, options)
    report.summary()


if __name__ == "__main__":
    main()
