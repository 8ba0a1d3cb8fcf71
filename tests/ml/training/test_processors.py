"""The same forest on every processor: whatever the kernels of BLAS and numpy, and the number of threads."""

import os
import signal
import subprocess
import sys

import numpy as np
import pytest

from ml.stones import SCHEMES
from tests.environment import ONE_THREAD

pytestmark = pytest.mark.long

TRAIN = """
import os, sys, hashlib
os.sched_setaffinity(0, set(list(os.sched_getaffinity(0))[: int(sys.argv[2])]))
import numpy as np
simd = np.show_config(mode="dicts")["SIMD Extensions"]
assert {*os.environ.get("NPY_DISABLE_CPU_FEATURES", "").split()} <= {*simd.get("not found", ())}, simd
from ml import dataset, training
from ml.forest import artifact
stones = dataset.load(sys.argv[1])
for scheme in ("coded", "graded"):
    forest = training.train(stones, scheme, seed=5)
    print(scheme, "file", artifact.save(forest, sys.argv[1] + ".forest"))
    for name, array in sorted(forest.arrays.items()):
        print(scheme, name, array.dtype, array.shape, hashlib.sha256(array.tobytes()).hexdigest())
"""

SIMD = np.show_config(mode="dicts")["SIMD Extensions"].get("found", [])
"""What numpy uses of this processor's instructions, the oldest first. It ignores unknown names, such as
those of its earlier versions."""

PROCESSORS = [
    {"OPENBLAS_CORETYPE": "SkylakeX", "OPENBLAS_NUM_THREADS": "4", "OMP_NUM_THREADS": "3"},
    {"OPENBLAS_CORETYPE": "Nehalem", "NPY_DISABLE_CPU_FEATURES": " ".join(SIMD)},
    {"OPENBLAS_CORETYPE": "Prescott", "NPY_DISABLE_CPU_FEATURES": " ".join(SIMD[1:])},
    {"GLIBC_TUNABLES": "glibc.cpu.hwcaps=-AVX2,-FMA,-AVX512F"},
]
HASWELL = {"OPENBLAS_CORETYPE": "Haswell"}


def lines_of(path, settings, cores=64):
    """What a training with these settings prints; nothing if this processor lacks the instructions of that
    kernel, such as AVX-512."""
    command = [sys.executable, "-W", "ignore", "-c", TRAIN, str(path), str(cores)]
    environment = {name: text for name, text in os.environ.items() if name not in ONE_THREAD}
    done = subprocess.run(
        command, env=environment | settings, capture_output=True, text=True, check=False
    )
    if done.returncode == -signal.SIGILL:
        return []
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def arrays_in(lines):
    """The lines of arrays, without those of the files: a model card's last bits depend on the kernel."""
    return [line for line in lines if " file " not in line]


def test_the_forest_is_the_same_on_every_processor_and_its_file_on_any_number_of_cores(
    few, tmp_path
):
    """One test, so that one process does all its trainings and none waits for another."""
    path = tmp_path / "few.csv"
    few.to_csv(path, index=False)
    one_core = lines_of(path, HASWELL | ONE_THREAD, cores=1)
    files = [line.split()[-1] for line in one_core if " file " in line]
    assert len(set(files)) == len(SCHEMES)
    assert len(arrays_in(one_core)) > 20 * len(SCHEMES)
    assert lines_of(path, HASWELL) == one_core
    others = [lines for settings in PROCESSORS if (lines := lines_of(path, settings))]
    assert len(others) >= 2
    for other in others:
        assert arrays_in(other) == arrays_in(one_core)
