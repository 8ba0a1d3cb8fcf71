"""scikit-learn's forests with the same trees, their predict in a loop, and real stones as requests.

A graded price is of two kinds of trees: the forest's, and those of the boosted trend, which the forest's
trees split on, too.
"""

import json
import os
import subprocess
import sys
from contextlib import contextmanager
from unittest.mock import patch
from urllib.parse import urlencode

import joblib
import numpy as np

from bench.servers import ROOT
from ml import dataset, training
from ml.forest.matrix import as_matrix
from ml.stones import LOWEST_FILL, SCHEMES, SOLID_DIAMOND
from ml.training import boosting, growing
from ml.training.trends import Stones, Trained

LIST = 1000
"""Stones in one POST, and in one frame for scikit-learn."""
QUERIES, LISTS = 5000, 20


def forest_file(folder, scheme):
    """The path of scikit-learn's forest, and of its trend: the boostings with their bins."""
    return folder / f"{scheme}-trees.joblib"


def prepare(folder):
    """Creates what does not exist yet: forests, their inputs, requests."""
    for scheme in SCHEMES:
        if forest_file(folder, scheme).exists():
            continue
        train, held_out = dataset.split(dataset.clean(dataset.load(), scheme).stones, scheme)
        with _boostings() as trend:
            trained = Trained.of(Stones.of(train, scheme), training.SEED)
        grown = growing.Grown(trained, training.SEED)
        joblib.dump((grown.forest, trend), forest_file(folder, scheme))
        _write_requests(folder, scheme, held_out)
        inputs = trained.asked(as_matrix(held_out, scheme)).inputs
        np.save(folder / f"{scheme}.npy", inputs)


@contextmanager
def _boostings():
    """A list of scikit-learn's boostings, with their bins, that become a trend meanwhile."""
    kept, tables = [], boosting.tables_of

    def keeping(models):
        kept[:] = models  # in the end all of them
        return tables(models)

    with patch.object(boosting, "tables_of", keeping):
        yield kept


def _write_requests(folder, scheme, stones):
    """Held-out stones as query strings and as lists for POST, a request a line."""
    volume = stones.volume if scheme == "coded" else stones.x * stones.y * stones.z
    accepted = stones[(stones.carat / volume).between(LOWEST_FILL, SOLID_DIAMOND)]
    chosen = accepted[list(SCHEMES[scheme])].sample(LIST * LISTS, replace=True, random_state=1)
    sent = chosen.to_dict("records")
    queries = [urlencode(stone) for stone in sent[:QUERIES]]
    lists = [json.dumps(sent[place : place + LIST]) for place in range(0, len(sent), LIST)]
    (folder / f"{scheme}.txt").write_text("\n".join(queries))
    (folder / f"{scheme}-{LIST}.txt").write_text("\n".join(lists))


@contextmanager
def frames(folder, scheme, processes):
    """A call that runs predict in several processes on frames of LIST rows; returns the rows/s of
    all together, and the least µs of processor for a frame. With trend=False only of the forest."""
    forest, inputs = str(forest_file(folder, scheme)), str(folder / f"{scheme}.npy")
    command = [sys.executable, "-W", "ignore", "-m", "bench.worker", "frames", forest, inputs]
    workers = [
        subprocess.Popen(  # noqa: S603 - our own worker
            command,
            cwd=ROOT,
            env=os.environ | {"OMP_NUM_THREADS": "1"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(processes)
    ]
    for worker in workers:
        worker.stdout.readline()  # the worker has loaded its forest

    def measure(seconds, trend=True):
        for worker in workers:
            worker.stdin.write(json.dumps({"seconds": seconds, "trend": trend}) + "\n")
            worker.stdin.flush()
        found = [json.loads(worker.stdout.readline()) for worker in workers]
        return {
            "rate": sum(one["rate"] for one in found),
            "processor": min(one["processor"] for one in found),
        }

    try:
        yield measure
    finally:
        for worker in workers:
            worker.communicate()
