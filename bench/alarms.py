"""How often a monitor gives a false alarm in ten thousand tests, compared with repeated
Kolmogorov-Smirnov tests; a section of bench/api.py. Its chart is docs/monitoring.png."""

import numpy as np

from bench.servers import ROOT
from ml import dataset
from predictor.monitoring.eprocess import ALPHA, PRIOR

LOOKS, HISTORIES = 10_000, 100
KS_AT_ONE_PERCENT = 1.628
"""The limit of the statistic times the root of n, for large n (Kolmogorov, 1933)."""

FEWEST = 35
"""The number of stones from which that limit is accurate."""

WINDOW = 50
MOVED_SHARE = 0.3
"""In a history that changes: the share of stones from the upper half of the weights."""


def alarms(bench, report):
    carat = dataset.load().carat.to_numpy()
    histories = HISTORIES // 10 if bench.rounds < 5 else HISTORIES
    rng = np.random.default_rng(2026)
    quiet = [_first_alarms(rng.choice(carat, LOOKS), carat) for _ in range(histories)]
    heavy = carat[carat > np.median(carat)]
    moved = [_first_alarms(_mixed(rng, carat, heavy, LOOKS // 5), carat) for _ in range(histories)]
    bets, tests, windows = np.array(quiet).T
    false, theirs, of_windows = (np.mean(one <= LOOKS) for one in (bets, tests, windows))
    found, *_ = np.array(moved).T
    report.table(
        f"False alarms over {LOOKS:,} looks, {histories} histories without a change",
        [
            ("the light", f"<= {ALPHA:.0%}", f"{false:.1%}", false <= ALPHA),
            (
                "a Kolmogorov-Smirnov test at 1 % each look, of all so far",
                "",
                f"{theirs:.0%}",
                None,
            ),
            (f"the same of every {WINDOW} stones by themselves", "", f"{of_windows:.0%}", None),
            (
                f"looks until the light is red where {MOVED_SHARE:.0%} more are heavy",
                "",
                f"median {np.median(found):,.0f}, longest {found.max():,.0f}",
                None,
            ),
        ],
    )
    _draw(bets, tests, windows)


def _mixed(rng, all_, heavy, many):
    swapped = rng.random(many) < MOVED_SHARE
    return np.where(swapped, rng.choice(heavy, many), rng.choice(all_, many))


def _first_alarms(stones, known):
    """The index of the first alarm of the e-process and of the two ways to test; LOOKS + 1 for none."""
    windows = stones[: len(stones) // WINDOW * WINDOW].reshape(-1, WINDOW)
    of_windows = (
        WINDOW * place
        for place, some in enumerate(windows, start=1)
        if _first_of_tests(some, known, WINDOW) <= WINDOW
    )
    return (
        _first_of_bets(stones, known),
        _first_of_tests(stones, known),
        next(of_windows, LOOKS + 1),
    )


def _first_of_bets(stones, known):
    """The e-process of the tenths of the weights, started anew at each stone: as in
    predictor.monitoring.eprocess, but for each stone instead of each day."""
    edges = np.unique(np.quantile(known, np.arange(1, 10) / 10))
    shares = np.bincount(np.searchsorted(edges, known, side="right")) / len(known)
    place, bins = np.searchsorted(edges, stones, side="right"), len(shares)
    counts = np.zeros((bins, len(stones)))
    log_bets = np.zeros(len(stones))
    begun = np.arange(1, len(stones) + 1)
    weights = 1 / (begun * (begun + 1.0))
    for look, bin_ in enumerate(place):
        now = slice(0, look + 1)
        log_bets[now] += np.log(
            (counts[bin_, now] + PRIOR) / (look - np.arange(look + 1) + bins * PRIOR) / shares[bin_]
        )
        counts[bin_, now] += 1
        held = np.exp(np.minimum(log_bets[now], 700)) @ weights[now] + 1 / (look + 2)
        if held >= 1 / ALPHA:
            return look + 1
    return LOOKS + 1


def _first_of_tests(stones, known, begin=FEWEST):
    known = np.sort(known)
    values, places = np.unique(known, return_index=True)
    below = np.append(places[1:], len(known)) / len(known)
    counts = np.zeros(len(values))
    for look, at in enumerate(np.searchsorted(values, stones), start=1):
        counts[at:] += 1
        if look >= begin:
            distance = np.abs(counts / look - below).max()
            if distance * np.sqrt(look) > KS_AT_ONE_PERCENT:
                return look
    return LOOKS + 1


def _draw(bets, tests, windows):
    import matplotlib as mpl

    mpl.use("agg")
    from matplotlib import pyplot

    looks = np.unique(np.geomspace(1, LOOKS, 200).astype(int))
    figure, axes = pyplot.subplots(figsize=(7, 3.6))
    named = {
        f"Kolmogorov-Smirnov at 1 %, every {WINDOW} stones": windows,
        "Kolmogorov-Smirnov at 1 %, all so far": tests,
        "the light": bets,
    }
    for name, first in named.items():
        axes.step(looks, [np.mean(first <= look) for look in looks], where="post", label=name)
    axes.axhline(ALPHA, color="gray", linestyle="--", label="1 %")
    axes.set(xscale="log", xlabel="looks", ylabel="histories with a false alarm", ylim=(0, 1))
    axes.legend()
    figure.tight_layout()
    figure.savefig(ROOT / "docs" / "monitoring.png", dpi=110)
