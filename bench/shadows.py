"""How often the verdict on a shadow is wrong, and how many actual prices it needs: simulated histories of
held-out stones, priced by two forests; a section of bench/model.py."""

import numpy as np

from ml import dataset, training
from predictor.monitoring.eprocess import BETS
from predictor.shadow.betting import ALPHA, LARGEST, NEEDED

HISTORIES, LOOKS = 400, 20_000
BETTER = (0.03, 0.05, 0.1)
"""By how much a shadow's mean error is below that of the active version, ratios."""


def shadows(report, options):
    """Trains the active version and a shadow, which differ by their seeds, and simulates histories."""
    train, held_out = dataset.split(dataset.clean(dataset.load(), "graded").stones, "graded")
    forests = [training.fit(train, "graded", seed) for seed in (1, 2)]
    compare(forests, held_out, report, 4000 if options.quick else LOOKS)


def compare(forests, held_out, report, looks=LOOKS):
    """The same of two forests that have not seen the stones."""
    matrix, actual = forests[0].matrix(held_out), held_out.price.to_numpy(float)
    prices = [forest.answers(matrix).price for forest in forests]
    errors = np.abs(np.log(np.array(prices) / actual))
    differences = np.clip(errors[0] - errors[1], -LARGEST, LARGEST)
    differences -= differences.mean()
    title = (
        f"a shadow, {HISTORIES} histories of up to {looks:,} of {len(actual):,} held-out stones, a look "
        f"after each; mean error {errors[0].mean():.4f}, differences' deviation {differences.std():.4f}"
    )
    found = [decided(differences + share * errors[0].mean(), looks) for share in (0, *BETTER)]
    wrong = np.isfinite(found[0]).any(axis=0).mean()
    rows = [
        (
            "equally good: a verdict of better or worse",
            f"<= {ALPHA:.0%}",
            f"{wrong:.2%}",
            wrong <= ALPHA,
        )
    ]
    for share, (better, worse) in zip(BETTER, found[1:], strict=True):
        wrong = np.isfinite(worse).mean()
        needed = np.percentile(better, (50, 90), method="inverted_cdf")
        measured = f"{needed[0]:,.0f} ({needed[1]:,.0f}); verdict of worse {wrong:.2%}"
        rows.append((f"{share:.0%} better: prices needed, median (90%)", "", measured, None))
    report.table(title, rows)


def decided(differences, looks):
    """After how many prices each history says better, and worse; inf if it never does; float64 (2, n)."""
    rng, found = np.random.default_rng(30), []
    for _ in range(HISTORIES):
        drawn = rng.choice(differences, looks)
        found.append([_first(evidence_by_look(side)) for side in (drawn, -drawn)])
    return np.array(found).T


def _first(evidence):
    reached = np.flatnonzero(evidence >= NEEDED)
    return reached[0] + 1 if reached.size else np.inf


def evidence_by_look(differences):
    """predictor.shadow.betting.evidence_above_zero after each difference, in one pass; float64 (n,)."""
    bounded = np.clip(differences / LARGEST, -1, 1)
    logs = np.cumsum(np.log1p(np.outer(bounded, BETS)), axis=0)
    return np.exp(np.minimum(np.logaddexp.reduce(logs, axis=1), 700)) / len(BETS)
