"""The alarms of predictor.monitoring on histories of held-out stones: how often they fire without a change,
how soon with one, what error the ranges say to expect; a section of bench/api.py. Its chart is
docs/monitoring.png."""

import os
from dataclasses import dataclass
from types import SimpleNamespace
from unittest.mock import patch

import numpy as np

from bench.admin import asked
from bench.servers import ROOT
from bench.sites import FILL
from ml import dataset
from ml.forest import artifact
from ml.forest.matrix import RANKS
from ml.stones import GRADES

HISTORIES, DAYS, A_DAY, LOOKS = 100, 400, 2500, 100
"""Histories without a change: of 1,000,000 stones, with this many looks at each."""

CHANGED_HISTORIES, QUIET_DAYS, CHANGED_DAYS, FEW_A_DAY = 100, 30, 60, 500
REVIEWED = 0.002
"""The share of the answers that get an actual price."""

HEAVY, SOME, LOOKED_AT = 2.0, 500, 1_000_000
BINS_AT_ONE_PERCENT = 49.6
"""The 1 % point of chi-square with 29 degrees of freedom, for the 30 bins of a column of numbers."""

Z_AT_ONE_PERCENT = 2.326


@dataclass
class Answered:
    """Stones with their answers: columns {name: values}, and price, low, high; actual: recorded prices."""

    columns: dict
    answers: object
    actual: np.ndarray

    @classmethod
    def of(cls, forest, stones):
        matrix = forest.matrix(stones)
        answers = forest.answers(matrix)
        columns = dict(zip(forest.columns, matrix.T, strict=True))
        for name in GRADES:
            names = {rank: grade for grade, rank in RANKS[name].items()}
            columns[name] = np.array([names[int(rank)] for rank in columns[name]])
        return cls(columns | {"price": answers.price}, answers, stones.price.to_numpy())

    def places(self, bins):
        """The bin of each stone in each column, uint8 {column: (n,)}."""
        return {
            name: (
                np.searchsorted(some.edges, self.columns[name].astype(np.float32), side="right")
                if some.levels is None
                else np.array([some.levels[one] for one in self.columns[name]])
            ).astype(np.uint8)
            for name, some in bins.items()
        }


class Setting:
    """The graded forest of the bench, its held-out stones, and the references of its alarms."""

    def __init__(self, folder):
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "diamondsite.settings")
        os.environ.setdefault("VAR_DIR", str(folder / "training"))
        import django

        django.setup()
        from predictor.monitoring import bins, errors, expected

        path = folder / "baked" / "graded.forest"
        self.forest = artifact.load(path, artifact.sha256_of(path), "graded")
        metadata = self.forest.metadata
        self.version = SimpleNamespace(
            scheme="graded", card=metadata["card"], scores=metadata["scores"]
        )
        self.errors, self.expected = errors, expected
        for module in (bins, errors, expected):
            patch.object(module, "forest_of", return_value=self.forest).start()
        self.bins = bins.bins_of.__wrapped__(self.version)
        self.smallest = (0.01, 0.1)
        self.references = {name: one.reference(self.smallest) for name, one in self.bins.items()}
        _, self.stones = dataset.split(dataset.clean(dataset.load(), "graded").stones, "graded")
        self.held_out = Answered.of(self.forest, self.stones)

    def heavier(self, factor):
        """The held-out stones with another weight, and with the diameters that belong to it."""
        changed = {name: self.stones[name] * factor ** (1 / 3) for name in "xyz"}
        return Answered.of(
            self.forest, self.stones.assign(carat=self.stones.carat * factor, **changed)
        )


def alarms(bench, report):
    setting, quick = Setting(bench.folder), bench.rounds < 5
    _false(setting, report, HISTORIES // 10 if quick else HISTORIES)
    _power(setting, report, CHANGED_HISTORIES // 10 if quick else CHANGED_HISTORIES)
    _expected_errors(setting, report)
    _first_look(bench, report)


# Without a change


def _false(setting, report, histories):
    rng, places = np.random.default_rng(2026), setting.held_out.places(setting.bins)
    found = [_first_alarms(setting, places, rng) for _ in range(histories)]
    inputs, errors, chi = np.array(found).T
    both = np.minimum(inputs, errors)
    report.table(
        f"False alarms: {histories} histories of {DAYS * A_DAY:,} held-out stones, {LOOKS} looks each",
        [
            ("either alarm", "<= 1%", *_share(both)),
            ("inputs changed", "", _share(inputs)[0], None),
            ("errors changed", "", _share(errors)[0], None),
            ("chi-square of the weights at 1% each look", "", _share(chi)[0], None),
        ],
    )
    _draw(both, chi)


def _share(first):
    false = np.mean(first <= LOOKS)
    return f"{false:.1%}", false <= 0.01


def _first_alarms(setting, places, rng):
    """The index of the first look that fires, of both alarms and of chi-square; LOOKS + 1 for none."""
    drawn = rng.integers(0, len(setting.stones), (DAYS, A_DAY))
    counts = {name: _by_day(place[drawn], setting, name) for name, place in places.items()}
    reviewed = drawn[:, : int(REVIEWED * A_DAY)]
    at = [DAYS * (look + 1) // LOOKS for look in range(LOOKS)]
    return (
        _first(at, lambda day: _of_inputs(setting, counts, day)),
        _first(at, lambda day: _of_errors(setting, reviewed[:day])),
        _first(at, lambda day: _chi_square(setting.bins["carat"], counts["carat"][:day])),
    )


def _first(at, fires):
    return next((look for look, day in enumerate(at, start=1) if fires(day)), LOOKS + 1)


def _by_day(placed, setting, name):
    """Places (days, n) as counts (days, bins)."""
    days, bins = len(placed), len(setting.bins[name].counts)
    flat = placed + np.arange(days)[:, None] * bins
    return np.bincount(flat.ravel(), minlength=days * bins).reshape(days, bins)


def _of_inputs(setting, counts, day):
    from predictor.monitoring.eprocess import log_tests_of_shares
    from predictor.monitoring.findings import Tests

    references = setting.references.items()
    return Tests({n: log_tests_of_shares(counts[n][:day], one) for n, one in references}).moved


def _of_errors(setting, reviewed):
    """Whether the tests of the error alarm reject, of stones reviewed (days, n)."""
    answers, place = (
        setting.held_out.answers,
        np.repeat(np.arange(len(reviewed)), reviewed.shape[1]),
    )
    judged = [
        setting.errors.Judged(
            SimpleNamespace(price=answers.price[one], low=answers.low[one], high=answers.high[one]),
            setting.held_out.actual[one],
            None,
        )
        for one in reviewed.ravel()
    ]
    tests, *_ = setting.errors.tests_of(setting.version, judged, place)
    return tests.moved


def _chi_square(bins, counts):
    """Whether a test that takes the training shares as exact rejects, of all stones so far."""
    seen, shares = counts.sum(axis=0), bins.counts / bins.counts.sum()
    expected = seen.sum() * shares
    return ((seen - expected) ** 2 / expected).sum() > BINS_AT_ONE_PERCENT


# With a change


def _power(setting, report, histories):
    rng = np.random.default_rng(2027)
    stones = setting.held_out
    heavy = np.flatnonzero(setting.stones.carat.to_numpy() >= HEAVY)
    changes = {
        "all stones 1.1 times as heavy": (1.0, setting.heavier(1.1), None, 5),
        "a fifth of the stones 1.3 times as heavy": (0.2, setting.heavier(1.3), None, 20),
        f"a tenth by a client with stones over {HEAVY:g} ct": (0.1, stones, heavy, 10),
    }
    rows = []
    for name, (share, changed, only, most) in changes.items():
        places = [one.places(setting.bins) for one in (stones, changed)]
        days = [_days_to_alarm(setting, places, share, only, rng) for _ in range(histories)]
        fixed = _fixed_test(setting, places, share, only)
        measured = f"median {np.median(days):.0f}, longest {max(days)}; best fixed test {fixed:.2f}"
        rows.append((name, f"<= {most} days", measured, np.median(days) <= most))
    report.table(
        f"Days until an alarm, {FEW_A_DAY} stones a day, {histories} histories; {QUIET_DAYS} days before",
        rows,
    )


def _days_to_alarm(setting, places, share, only, rng):
    """The days from a change to the alarm; CHANGED_DAYS + 1 for none."""
    size = (QUIET_DAYS + CHANGED_DAYS, FEW_A_DAY)
    drawn = rng.integers(0, len(setting.stones), size)
    is_changed = (rng.random(size) < share) & (np.arange(size[0]) >= QUIET_DAYS)[:, None]
    other = drawn if only is None else rng.choice(only, size)
    counts = {
        name: _by_day(np.where(is_changed, places[1][name][other], place[drawn]), setting, name)
        for name, place in places[0].items()
    }
    for day in range(1, CHANGED_DAYS + 1):
        if _of_inputs(setting, counts, QUIET_DAYS + day):
            return day
    return CHANGED_DAYS + 1


def _fixed_test(setting, places, share, only):
    """The days that the most powerful test of one look at 1% needs for even odds, if it knew the day of
    the change, the changed shares and the column to look at (Neyman and Pearson), against the closest
    unchanged shares. In the normal approximation."""
    needed = []
    for name, reference in setting.references.items():
        bins = len(setting.bins[name].counts)
        shares = reference.shares[:bins]
        other = places[1][name] if only is None else places[1][name][only]
        moved = [np.bincount(one, minlength=bins) / len(one) for one in (places[0][name], other)]
        after = np.maximum((1 - share) * moved[0] + share * moved[1], 1e-9)
        near = _closest(after, shares, reference.smallest[:bins])
        ratio = np.log(after / near)
        gain, spread = (after - near) @ ratio, np.sqrt(near @ ratio**2 - (near @ ratio) ** 2)
        needed += [(Z_AT_ONE_PERCENT * spread / gain) ** 2] if gain > 1e-6 else []
    return min(needed) / FEW_A_DAY


def _closest(after, shares, smallest):
    """The unchanged shares closest to `after` (Kullback and Leibler): a multiple, within the limits."""
    low, high = np.maximum(shares - smallest, 1e-9), shares + smallest
    scale = [0.0, 1e3]
    for _ in range(80):
        middle = sum(scale) / 2
        scale[int((after * middle).clip(low, high).sum() > 1)] = middle
    return (after * scale[0]).clip(low, high)


# The error to expect


def _expected_errors(setting, report):
    rng, carat = np.random.default_rng(2028), setting.stones.carat.to_numpy()
    everything = np.arange(len(carat))
    heavy = np.flatnonzero(carat >= HEAVY)
    some = rng.integers(0, len(carat), 20_000)
    fifth, tenth = rng.random(20_000) < 0.2, rng.random(20_000) < 0.1
    kinds = {
        "held-out stones": everything,
        "as heavy as 1.1 times": _as_heavy(carat, carat[some] * 1.1, rng),
        "a fifth as heavy as 1.3 times": _as_heavy(
            carat, carat[some] * np.where(fifth, 1.3, 1), rng
        ),
        f"a tenth over {HEAVY:g} ct": np.where(tenth, rng.choice(heavy, 20_000), some),
        f"all over {HEAVY:g} ct": heavy,
    }
    report.table(
        f"The error to expect by the ranges, USD; {SOME} answers a day",
        [
            (name, ">= 95% of days inside", *_bracketed(setting, rows, rng))
            for name, rows in kinds.items()
        ],
    )


def _as_heavy(carat, wanted, rng):
    """Held-out stones of these weights, at random among those of the same weight."""
    order = np.argsort(carat, kind="stable")
    first, last = (np.searchsorted(carat[order], wanted + off) for off in (-0.011, 0.011))
    first = np.minimum(first, len(carat) - 1)
    return order[first + (rng.random(len(wanted)) * np.maximum(last - first, 1)).astype(int)]


def _bracketed(setting, rows, rng):
    """The expected and the actual error of all, and how many of 500 days have theirs in the interval."""
    answers, actual = setting.held_out.answers, setting.held_out.actual

    def errors(some):
        spread = setting.expected.spread_of(
            answers.price[some], answers.low[some], answers.high[some]
        )
        return setting.expected.expected_error(setting.version, spread), np.abs(
            answers.price[some] - actual[some]
        ).mean()

    days = [errors(rng.choice(rows, SOME)) for _ in range(500)]
    inside = np.mean([expected.low <= actual <= expected.high for expected, actual in days])
    expected, real = errors(rows)
    measured = f"{inside:.1%}; expected {expected.mean:.0f}, actual {real:.0f}"
    return measured, inside >= 0.95


# A first look


def _first_look(bench, report):
    rows = [(kind, ">= 100,000 rows/s", *_rate(bench, kind)) for kind in ("SQLite", "PostgreSQL")]
    report.table(f"A first look at {LOOKED_AT:,} rows, by the processor time of the process", rows)


def _rate(bench, kind):
    with bench.site(kind, "look") as site:
        site.execute(*FILL[kind](1, LOOKED_AT))
        result = asked(site, "monitored")
    rate = result["rows"] / result["processor"]
    measured = f"{rate:,.0f} rows/s; {result['seconds']:.1f} s, longest part {result['part']:.2f} s"
    return measured, rate >= 100_000


def _draw(ours, chi):
    import matplotlib as mpl

    mpl.use("agg")
    from matplotlib import pyplot

    looks = np.arange(1, LOOKS + 1)
    figure, axes = pyplot.subplots(figsize=(7, 3.6))
    for name, first in {"chi-square at 1% each look": chi, "the alarms": ours}.items():
        axes.step(looks, [np.mean(first <= look) for look in looks], where="post", label=name)
    axes.axhline(0.01, color="gray", linestyle="--", label="1%")
    axes.set(xlabel="looks", ylabel="histories with a false alarm", ylim=(0, 1))
    axes.legend()
    figure.tight_layout()
    figure.savefig(ROOT / "docs" / "monitoring.png", dpi=110)
