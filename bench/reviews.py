"""How many labels a sample of the reviews that are worth most saves over a random one, with held-out stones
as the history; a section of bench/model.py."""

import math
from types import SimpleNamespace

import numpy as np

from ml import dataset, training
from predictor.review import worth

HISTORY, LABELS, DRAWS = 10_000, 200, 1000
NORMAL = 1.96
GROWN = 1.5
"""Times the errors, in a history whose model has become worse than its ranges say."""


def reviews(report, options):
    """Draws samples of both kinds from held-out stones, and compares their intervals with the truth."""
    train, held_out = dataset.split(dataset.clean(dataset.load(), "graded").stones, "graded")
    compare(
        training.fit(train, "graded"), held_out, report, DRAWS // 10 if options.quick else DRAWS
    )


def compare(forest, held_out, report, draws=DRAWS):
    """The same of a forest that has not seen the stones."""
    stones = held_out.sample(min(HISTORY, len(held_out)), random_state=1)
    answers, actual = forest.answers(forest.matrix(stones)), stones.price.to_numpy(float)
    worse = answers.price + GROWN * (actual - answers.price)
    for label, prices in {"": actual, f", errors times {GROWN}": worse}.items():
        simulated = Simulated(answers, prices)
        report.table(
            f"{LABELS} reviews of {len(prices):,} held-out stones, {draws:,} samples of each kind{label}",
            [*_rows(simulated, draws)],
        )


class Simulated:
    """A history whose actual prices are all known, and samples of it."""

    def __init__(self, answers, actual):
        self.rng = np.random.default_rng(2026)
        self.error = np.abs(answers.price - actual)
        self.inside = ((answers.low <= actual) & (actual <= answers.high)).astype(float)
        self.expected = worth.expected_error(answers)
        self.weights = np.array(
            [
                worth.weight_of(
                    SimpleNamespace(low=low, high=high, warnings=[{"code": "extrapolated"}] * far),
                    float(self.error.mean()),
                    alarmed=False,
                )
                for low, high, far in zip(
                    answers.low, answers.high, answers.extrapolated.astype(int), strict=True
                )
            ]
        )

    def random_one(self, values):
        """(estimate, standard error) of the mean, from a random sample."""
        some = values[self.rng.choice(len(values), LABELS, replace=False)]
        return some.mean(), some.std(ddof=1) / math.sqrt(LABELS)

    def worth_most(self, name):
        """The same from a sample of the reviews that are worth most."""
        priorities = self.weights / (1 - self.rng.random(len(self.weights)))
        order = np.argpartition(-priorities, LABELS)[: LABELS + 1]
        order = order[np.argsort(-priorities[order])]
        some, threshold = order[:LABELS], priorities[order[LABELS]]
        chances = worth.chances(self.weights[some], threshold)
        return self._estimate(name, some, chances)

    def active_inference(self, name):
        """The estimator of Zrnic and Candès (2024, section 3) as published: each stone is drawn by itself,
        with a chance in proportion to its weight."""
        chances = np.minimum(1, LABELS * self.weights / self.weights.sum())
        some = np.flatnonzero(self.rng.random(len(chances)) < chances)
        return self._estimate(name, some, chances[some])

    def _estimate(self, name, some, chances):
        if name == "coverage":
            return worth.estimated_share(self.inside[some], chances, len(self.error))
        label = self.error[some], self.expected[some], chances
        return worth.estimated(*label, float(self.expected.sum()), len(self.error))


def _rows(simulated, draws):
    values = {"mean error": simulated.error, "coverage": simulated.inside}
    for name, known in values.items():
        ways = {
            "random": lambda known=known: simulated.random_one(known),
            "worth most": lambda name=name: simulated.worth_most(name),
            "active inference, as published": lambda name=name: simulated.active_inference(name),
        }
        widths = {}
        for way, drawn in ways.items():
            found = np.array([drawn() for _ in range(draws)])
            off, wide = found[:, 0] - known.mean(), NORMAL * found[:, 1]
            widths[way] = float(np.sqrt(np.mean(found[:, 1] ** 2)))
            bias, noise = off.mean(), off.std() / math.sqrt(draws)
            held = np.mean(np.abs(off) <= wide)
            labels = (widths[way] / widths["random"]) ** 2
            yield (
                f"{name}, {way}",
                "",
                f"bias {bias:.3g} ± {noise:.2g} of {known.mean():.4g}, root mean square {off.std():.3g}, "
                f"interval ± {np.mean(wide):.3g} holds it {held:.1%}, "
                f"labels for the same interval {labels:.2f}x",
                None,
            )
