"""The batch path: the compiled loop says what numpy says, comes for large batches, may be missing."""

import subprocess
import sys

import numpy as np
import pytest

from ml import compiled, dataset


@pytest.fixture
def fresh_adder():
    """Each test finds out anew whether numba is there."""
    compiled.adder.cache_clear()
    yield
    compiled.adder.cache_clear()


@pytest.fixture
def batch(sample):
    """Stones of the scheme asked for, as often as it takes to make a large batch."""

    def of(forest):
        stones = forest.matrix(dataset.clean(sample, forest.scheme).stones)
        return np.tile(stones, (compiled.ROWS // len(stones) + 1, 1))

    return of


@pytest.mark.parametrize("scheme", ["coded", "graded"])
def test_a_large_batch_is_priced_as_its_stones_are_one_by_one(small_forests, batch, scheme):
    forest = small_forests[scheme]
    stones = batch(forest)
    one_by_one = [forest.answer(stone).price for stone in stones[:300]]
    np.testing.assert_allclose(forest.price(stones)[:300], one_by_one, rtol=1e-12)


@pytest.mark.parametrize("scheme", ["coded", "graded"])
def test_ranges_of_a_large_batch_are_those_of_its_stones(small_forests, batch, scheme):
    forest = small_forests[scheme]
    stones = batch(forest)
    one_by_one = [(answer.low, answer.high) for answer in map(forest.answer, stones[:300])]
    np.testing.assert_allclose(forest.price_range(stones)[:300], one_by_one, rtol=1e-12)


def test_without_numba_numpy_prices_a_large_batch(small_forests, batch, monkeypatch, fresh_adder):
    monkeypatch.setitem(sys.modules, "numba", None)
    forest = small_forests["graded"]
    stones = batch(forest)
    assert compiled.adder() is None
    assert forest.price(stones)[0] == forest.answer(stones[0]).price


def test_a_small_batch_does_not_ask_for_the_compiled_loop(small_forests, batch, monkeypatch):
    monkeypatch.setattr(compiled, "adder", lambda: pytest.fail("numba for a small batch"))
    forest = small_forests["coded"]
    forest.price(batch(forest)[: compiled.ROWS - 1])


def test_importing_the_forest_does_not_import_numba():
    script = "import sys, ml.forest; sys.exit('numba' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0
