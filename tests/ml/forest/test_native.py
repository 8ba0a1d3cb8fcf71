"""The walk in C gives numpy's results bit for bit; a library built from other source is never loaded."""

import shutil

import numpy as np
import pytest

from ml import dataset
from ml.forest import PriceForest, native
from ml.forest.price_forest import PART

needs_compiler = pytest.mark.skipif(
    not (shutil.which("cc") or shutil.which("gcc")), reason="no C compiler here"
)


@pytest.fixture(scope="module", params=["coded", "graded"])
def forests(request, small_forests):
    """The same forest twice: walked in C, and by numpy."""
    native.build()
    native.library.cache_clear()
    small = small_forests[request.param]
    both = [PriceForest(small.arrays, small.metadata, compiled) for compiled in (True, False)]
    assert both[0]._native
    assert not both[1]._native
    return both


@pytest.fixture
def stones(forests, raw):
    """Some stones of the table, as the forest's matrix."""
    return forests[0].matrix(dataset.clean(raw.iloc[3::15], forests[0].scheme).stones)


@needs_compiler
def test_one_stone_gets_the_same_answer_to_the_last_bit(forests, stones):
    compiled, by_numpy = forests
    for stone in stones[:500]:
        assert compiled.answer(stone, k=5) == by_numpy.answer(stone, k=5)


@needs_compiler
@pytest.mark.parametrize("count", [1, 7, 8, 9, 2500])
def test_a_batch_gets_the_same_answers_to_the_last_bit(forests, stones, count):
    compiled, by_numpy = forests
    answers = compiled.answer_many(stones[:count], turned=True)
    assert answers == by_numpy.answer_many(stones[:count], turned=True)
    assert answers == [compiled.answer(one) for one in stones[:count]]


@needs_compiler
def test_a_batch_of_extrapolations_gets_the_same_answers_to_the_last_bit(forests, stones):
    for forest in forests:
        heavy = stones[:200].copy()
        heavy[:, 0] *= 3
        answers = forest.answer_many(heavy, turned=True)
        assert answers == [forest.answer(one) for one in heavy]
        assert any(answer.extrapolated for answer in answers) == (forest.support is not None)


@needs_compiler
def test_a_batch_of_several_parts_keeps_the_order_of_its_stones(forests, stones):
    compiled, by_numpy = forests
    many = np.tile(stones, (PART // len(stones) + 2, 1))
    assert len(many) > PART
    np.testing.assert_array_equal(compiled.price(many)[-len(stones) :], by_numpy.price(stones))


@pytest.fixture
def source(tmp_path, monkeypatch):
    """A copy of the source in a folder without a built library."""
    shutil.copy(native.SOURCE, tmp_path)
    monkeypatch.setattr(native, "SOURCE", tmp_path / "walk.c")
    native.library.cache_clear()
    yield tmp_path / "walk.c"
    native.library.cache_clear()


@needs_compiler
def test_it_is_built_once_and_anew_when_its_source_has_changed(source):
    assert native.build().startswith("built walk-")
    assert native.build().endswith(".so is there")
    assert native.library()
    source.write_text(source.read_text() + "/* another */\n")
    native.library.cache_clear()
    assert native.library() is None, "the old library is not for this source"
    assert native.build().startswith("built walk-")
    assert len(list(source.parent.glob("*.so"))) == 1, "the old library is gone"


@needs_compiler
def test_a_source_that_cannot_be_built_leaves_no_library(source):
    source.write_text("not C")
    assert "cannot build walk.c: numpy walks the trees" in native.build()
    assert [path.name for path in source.parent.iterdir()] == ["walk.c"]


def test_without_a_compiler_numpy_walks(source, monkeypatch, small_forests, raw):
    monkeypatch.setenv("PATH", "")
    assert native.build().startswith("no C compiler: numpy walks the trees")
    small = small_forests["graded"]
    stone = small.matrix(dataset.clean(raw[:100], "graded").stones)[0]
    assert PriceForest(small.arrays, small.metadata)._native is None
    assert PriceForest(small.arrays, small.metadata).answer(stone) == small.answer(stone)
