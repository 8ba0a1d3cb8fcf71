"""Speed, size and training: our forests compared with scikit-learn's own predict of the same trees.

Speed is measured with one thread on either side, in interleaved blocks of calls on random held-out
stones, so that other load on the machine slows both alike. scikit-learn gets its features
ready-made; ours are computed within the measured time.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path

import numpy as np
import pandas as pd

from ml import dataset
from ml import training as fitting
from ml.forest import PriceForest, artifact, native
from ml.forest.matrix import as_matrix
from ml.training import growing
from ml.training.trends import Stones, Trained

ROOT = Path(__file__).resolve().parent.parent
SCHEMES = ("graded", "coded")
CALM, PATIENCE = 1.0, 6
"""The load average below which speed is measured, and how many half minutes to wait for it."""


class Subject:
    """A scheme's forest, scikit-learn's forest with the same trees, and stones that neither was
    trained on."""

    def __init__(self, scheme):
        stones = dataset.clean(dataset.load(), scheme).stones
        train, held_out = dataset.split(stones, scheme)
        self.scheme, self.forest = scheme, fitting.fit(train, scheme)
        self.by_numpy = PriceForest(self.forest.arrays, self.forest.metadata, compiled=False)
        self.trained = Trained.of(Stones.of(train, scheme), fitting.SEED)
        self.theirs = growing.Grown(self.trained, fitting.SEED).forest
        self.matrix = as_matrix(held_out, scheme)
        self.inputs = self.inputs_of(self.matrix)
        names = [f"feature {number}" for number in range(self.inputs.shape[1])]
        self.theirs.feature_names_in_ = np.array(names, dtype=object)
        self.frame = pd.DataFrame(self.inputs, columns=names)

    def inputs_of(self, matrix):
        return np.ascontiguousarray(self.trained.asked(matrix).inputs)

    def alike(self):
        """The largest ratio of a difference between the two forests' answers, on 2,000 stones."""
        some = self.inputs[:2000]
        ours = self.forest.target_means(some)
        theirs = self.theirs.predict(some).reshape(len(some), -1)[:, 0]
        return float(np.max(np.abs(ours - theirs)) / np.mean(np.abs(theirs)))


class Clock:
    """Times of named calls, seconds."""

    def __init__(self):
        self.times = defaultdict(list)

    def __call__(self, name, call, *arguments):
        start = time.perf_counter()
        call(*arguments)
        self.times[name].append(time.perf_counter() - start)

    def at(self, name, percent=50):
        return float(np.percentile(self.times[name], percent))

    def row(self, what, name, target=None, unit=1e6, symbol="µs"):
        """A row of the report: how many times faster than scikit-learn; without a target, for
        information only."""
        ratio, best = (self.at("sklearn", p) / self.at(name, p) for p in (50, 10))
        ours, theirs = self.at(name) * unit, self.at("sklearn") * unit
        speeds = f"{ratio:.1f}x (10th percentiles {best:.1f}x)"
        measured = f"{speeds}: {ours:,.0f} against {theirs:,.0f} {symbol}"
        return what, target and f">= {target}x", measured, target and ratio >= target


# Speed


def speed(report, options):
    """The time of an answer to one stone, compared with scikit-learn on the same trees."""
    for scheme in SCHEMES:
        report.progress(f"speed, {scheme}: training")
        subject = Subject(scheme)
        report.progress(native.build())
        report.progress(f"same trees: answers alike to a ratio of {subject.alike():.1e}")
        _wait_until_calm(report)
        rows = [*_one(subject, options.quick)]
        report.table(f"Speed, {scheme} ({len(subject.theirs.estimators_)} trees)", rows)


def _wait_until_calm(report):
    for _ in range(PATIENCE):
        if os.getloadavg()[0] < CALM:
            break
        time.sleep(30)
    report.progress(f"load {os.getloadavg()[0]:.2f}")


def _one(subject, quick):
    clock, rng = Clock(), np.random.default_rng(1)
    forests = {"": subject.forest, "numpy": subject.by_numpy}
    subject.theirs.set_params(n_jobs=None)
    for _ in range(20 if quick else 80):
        for row in rng.integers(0, len(subject.matrix), 5):
            clock("sklearn", subject.theirs.predict, subject.frame.iloc[[row]])
        for name, forest in forests.items():
            for k in (0, 5):
                for row in rng.integers(0, len(subject.matrix), 50):
                    clock((name, k), forest.answer, subject.matrix[row], k)
    yield clock.row("price and range of one stone", ("", 0), 100)
    yield clock.row("the same with five comparables", ("", 5), 50)
    yield clock.row("price and range, without the C walk", ("numpy", 0))
    yield clock.row("five comparables, without the C walk", ("numpy", 5))


def _start(*arguments):
    command = [sys.executable, "-W", "ignore", "-m", "bench.worker", *arguments]
    return subprocess.Popen(  # noqa: S603 - our own worker
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )


def _run(*arguments):
    return json.loads(_start(*arguments).communicate()[0])


# Size


def size(report, options):
    """The size of the file, the time to load it, and the memory that a second process needs for it."""
    for scheme in SCHEMES:
        report.progress(f"size, {scheme}: training")
        train, held_out = dataset.split(dataset.clean(dataset.load(), scheme).stones, scheme)
        with tempfile.TemporaryDirectory() as folder:
            path, stones = Path(folder, "forest"), Path(folder, "stones.npy")
            sha256 = artifact.save(fitting.fit(train, scheme), path)
            np.save(stones, as_matrix(held_out, scheme))
            report.table(f"Size, {scheme}", _size_rows(path, sha256, stones))


def _size_rows(path, sha256, stones):
    holder = _start("hold", str(path), sha256, str(stones))
    holder.stdout.readline()  # it has loaded the file now
    found = [_run("hold", str(path), sha256, str(stones)) for _ in range(5)]
    holder.communicate()
    megabytes, seconds = path.stat().st_size / 1e6, np.median([f["seconds"] for f in found])
    private, heavy = found[0]["private"], found[0]["heavy"]
    yield "file", "<= 64 MB", f"{megabytes:.1f} MB", megabytes <= 64
    yield "load, hash check included", "<= 0.3 s", f"{seconds:.3f} s", seconds <= 0.3
    yield "private memory of a second process", "<= 10 MB", f"{private:.1f} MB", private <= 10
    yield "heavy libraries imported", "none", ", ".join(heavy) or "none", not heavy


# Training


def training(report, options):
    """The time and memory of both trainings."""
    report.progress("training both forests")
    found = _run("train")
    seconds = sum(found["seconds"].values())
    each = ", ".join(f"{scheme} {value:.1f}" for scheme, value in found["seconds"].items())
    load = f"load {os.getloadavg()[0]:.1f}, {os.cpu_count()} processors"
    report.table(
        "Training",
        [
            ("both forests", "<= 60 s", f"{seconds:.1f} s ({each}; {load})", seconds <= 60),
            ("peak memory", "<= 3,000 MB", f"{found['peak']:,.0f} MB", found["peak"] <= 3000),
        ],
    )
