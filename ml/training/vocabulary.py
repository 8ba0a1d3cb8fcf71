"""Learns the vocabulary of a version from its stones (ml.vocabulary). Called only by ml.training."""

import numpy as np

from ml import dataset
from ml.vocabulary import (
    DEFAULT,
    FEW,
    NOT_STATED,
    OPTIONAL,
    TRADE_GRADES,
    Property,
    Typical,
    Vocabulary,
)

EVERY = (0.001, 0.5, 0.999)
"""The quantiles of Typical."""


def learn_vocabulary(stones, trained_on, public=None):
    """The Vocabulary of clean graded stones; DEFAULT for those that the project's own table could have.

    stones: a DataFrame; trained_on: those of them that a version is trained on, from whose prices the
    order of categories comes. public: the columns that may be shown, None for all.
    """
    if not dataset.is_own(stones):
        return DEFAULT
    optional, facts = [], {}
    for name in (name for name in OPTIONAL if name in stones):
        counts = stones[name].value_counts()
        stated = [level for level in counts.index if level != NOT_STATED]
        if len(stated) == 1 and counts.get(NOT_STATED, 0) < FEW:
            facts[name] = stated[0]
        elif stated:
            optional.append(_property(name, stated, counts, trained_on))
    return Vocabulary(
        grades={name: _known(name, stones) for name in TRADE_GRADES},
        without_cut=bool((stones["cut"] == NOT_STATED).any()),
        optional=tuple(optional),
        facts=facts,
        few=_few(trained_on, [*TRADE_GRADES, *(one.name for one in optional)]),
        typical=_typical(stones),
        public=public,
    )


def _known(name, stones):
    return tuple(grade for grade in TRADE_GRADES[name] if (stones[name] == grade).any())


def _property(name, stated, counts, trained_on):
    """A Property; categories are in the order of their mean log price per carat, as then a single threshold
    separates any cheaper ones from the dearer. Source: Fisher (1958), "On grouping"."""
    in_order = [level for level in OPTIONAL[name] if level in stated] or _by_price(
        name, stated, trained_on
    )
    assumed = NOT_STATED if counts.get(NOT_STATED, 0) >= FEW else stated[0]
    return Property(name, (NOT_STATED, *in_order), bool(OPTIONAL[name]), assumed)


def _by_price(name, stated, trained_on):
    per_carat = np.log(trained_on.price / trained_on.carat)
    mean = per_carat.groupby(trained_on[name].to_numpy()).mean()
    usual = float(per_carat.mean())
    return sorted(stated, key=lambda level: (float(mean.get(level, usual)), level))


def _few(stones, names):
    counted = {name: stones[name].value_counts() for name in names}
    few = {
        name: {
            level: int(n) for level, n in sorted(counts.items()) if n < FEW and level != NOT_STATED
        }
        for name, counts in counted.items()
    }
    return {name: levels for name, levels in few.items() if levels}


def _typical(stones):
    """{shape: Typical} of the shapes with enough stones; the shape is "" in a list without shapes."""
    fill, ratio = dataset.fill_of(stones), dataset.ratio_of(stones)
    found = {}
    for shape, rows in dataset.by_shape(stones).items():
        if len(rows) >= FEW and shape not in found:
            parts = (tuple(map(float, one[rows].quantile(EVERY))) for one in (fill, ratio))
            found[shape] = Typical(*parts)
    return found
