"""A list of stones as a jeweller's system exports it, made by a seeded generator with known effects.

`python -m bench.own_list list.csv` writes 60,000 stones: ten shapes, two origins, four laboratories. Called
by bench.own (accuracy), the tests, and whoever tries docs/own-stones.md without a list at hand.
"""

import argparse
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ml.vocabulary import OPTIONAL, TRADE_GRADES

SHAPES = {
    # share of stones, log price, what it adds by log carat, length/width, depth %, fill, noise
    "Round": (0.40, 0.00, 0.00, 1.005, 61.8, 0.00612, 0.07),
    "Oval": (0.14, -0.16, 0.06, 1.42, 62.0, 0.00560, 0.09),
    "Princess": (0.09, -0.28, 0.02, 1.01, 72.0, 0.00800, 0.08),
    "Cushion": (0.08, -0.30, 0.04, 1.10, 66.0, 0.00700, 0.10),
    "Emerald": (0.07, -0.24, 0.08, 1.40, 65.0, 0.00740, 0.09),
    "Pear": (0.07, -0.18, 0.05, 1.55, 61.0, 0.00530, 0.10),
    "Radiant": (0.05, -0.26, 0.07, 1.30, 67.0, 0.00750, 0.10),
    "Marquise": (0.04, -0.20, 0.03, 1.90, 60.5, 0.00500, 0.12),
    "Asscher": (0.03, -0.32, 0.05, 1.02, 67.0, 0.00760, 0.11),
    "Heart": (0.03, -0.34, 0.02, 1.00, 58.0, 0.00540, 0.14),
}
LABORATORIES = {"GIA": 0.0, "IGI": -0.09, "HRD": -0.05, "EGL": -0.22}
"""What a laboratory's report adds to the log price of a natural stone."""

GROWN = 0.2
"""The ratio of a lab-grown stone's price to a natural one's."""

FLUORESCENCE = {"Very Strong": -1.0, "Strong": -0.7, "Medium": -0.35, "Faint": -0.1, "None": 0.0}
OF_COLORLESS, OF_TINTED = 0.16, -0.04
"""By how much the strongest fluorescence lowers the log price of D to F, and raises that of I and below."""

COLORS, CLARITIES = (
    TRADE_GRADES["color"][12:],
    ("I2", *TRADE_GRADES["clarity"][2:3], *TRADE_GRADES["clarity"][4:]),
)
CUTS, FINISH = ("Good", "Very Good", "Excellent", "Ideal"), OPTIONAL["polish"][2:5]
STEPS = (0.5, 0.7, 0.9, 1.0, 1.5, 2.0, 3.0, 5.0)
"""ct; the weights at which the price per carat jumps."""


@dataclass(frozen=True)
class Made:
    """Generated stones: the columns of ml, and the expected log price of each, without the noise."""

    stones: pd.DataFrame
    expected: np.ndarray
    noise: np.ndarray


def make(count, seed, **fixed):
    """`count` stones; fixed: {"shape": "Oval"}, the value that all of them have. A Made."""
    rng = np.random.default_rng(seed)
    stones = pd.DataFrame(
        {
            "shape": _drawn(rng, [*SHAPES], [one[0] for one in SHAPES.values()], count),
            "origin": _drawn(rng, ["Natural", "Lab-grown"], [0.7, 0.3], count),
        }
    )
    stones = stones.assign(**{name: value for name, value in fixed.items() if name in stones})
    _add_grades(stones, rng)
    _add_measures(stones, rng)
    stones = stones.assign(**fixed)
    expected = expected_log_price(stones)
    spread = np.array([SHAPES[shape][-1] for shape in stones["shape"]])
    noise = spread * np.where(stones.origin == "Lab-grown", 1.5, 1.0)
    noise = noise * rng.standard_t(6, count) / np.sqrt(1.5)
    stones["price"] = np.exp(expected + noise).round().clip(1)
    stones["report"] = [f"{number}" for number in rng.permutation(count) + 10**9 * (1 + seed % 8)]
    return Made(stones, expected, noise)


def _drawn(rng, values, shares, count):
    return rng.choice(values, count, p=np.array(shares) / np.sum(shares))


def _bell(rng, levels, centre, width, count):
    """Levels drawn around one of them, more often the nearer."""
    place = np.rint(rng.normal(centre, width, count)).clip(0, len(levels) - 1).astype(int)
    return np.array(levels)[place]


def _add_grades(stones, rng):
    count = len(stones)
    grown = (stones.origin == "Lab-grown").to_numpy()
    round_ = (stones["shape"] == "Round").to_numpy()
    stones["color"] = np.where(
        grown, _bell(rng, COLORS, 8, 1.5, count), _bell(rng, COLORS, 6, 2.3, count)
    )
    stones["clarity"] = np.where(
        grown, _bell(rng, CLARITIES, 6, 1.2, count), _bell(rng, CLARITIES, 4.5, 1.8, count)
    )
    stones["cut"] = np.where(
        round_,
        _drawn(rng, CUTS, [0.06, 0.16, 0.6, 0.18], count),
        _drawn(rng, ["", *CUTS[:3]], [8, 1, 1, 1], count),
    )
    stones["laboratory"] = np.where(
        grown,
        _drawn(rng, ["IGI", "GIA"], [0.8, 0.2], count),
        _drawn(rng, [*LABORATORIES], [0.7, 0.12, 0.1, 0.08], count),
    )
    for name in ("polish", "symmetry"):
        stones[name] = _drawn(rng, FINISH, [0.08, 0.22, 0.7], count)
    stones["fluorescence"] = np.where(
        grown, "None", _drawn(rng, [*FLUORESCENCE], [0.03, 0.09, 0.13, 0.2, 0.55], count)
    )


def _add_measures(stones, rng):
    count = len(stones)
    carat = np.exp(rng.normal(-0.1, 0.62, count))
    near = rng.random(count) < 0.4  # just over a step, as stones are cut to be
    steps = np.array(STEPS)[
        rng.choice(len(STEPS), count, p=[0.2, 0.16, 0.1, 0.26, 0.12, 0.1, 0.04, 0.02])
    ]
    carat = np.where(near, steps + rng.exponential(0.02, count), carat)
    stones["carat"] = carat.clip(0.18, 30).round(2)
    _, _, _, ratio, depth, fill, _ = (
        np.array(part) for part in zip(*(SHAPES[s] for s in stones["shape"]), strict=True)
    )
    long = ratio > 1.05
    stones["depth"] = (depth + rng.normal(0, 1.6, count)).round(1)
    stones["table"] = rng.normal(58, 2.5, count).clip(50, 75).round(1)
    ratio = 1 + np.where(
        long, (ratio - 1) * np.exp(rng.normal(0, 0.12, count)), np.abs(rng.normal(0, 0.006, count))
    )
    fill = fill * np.exp(rng.normal(0, 0.012, count))
    # carat = fill * x * y * z, with x = ratio * y and z = depth / 100 * y, or (x + y) / 2 of round stones
    of = np.where(stones["shape"] == "Round", (1 + ratio) / 2, 1)
    width = np.cbrt(stones.carat / (fill * ratio * stones.depth / 100 * of))
    stones["x"], stones["y"] = (ratio * width).round(2), width.round(2)
    stones["z"] = (stones.depth / 100 * of * width).round(2)


def expected_log_price(stones):
    """The log price that the generator's effects give; float64 (n,)."""
    carat = stones.carat.to_numpy()
    log_carat = np.log(carat)
    place = lambda name, levels: stones[name].map({level: n for n, level in enumerate(levels)})  # noqa: E731
    color, clarity = place("color", COLORS).to_numpy(), place("clarity", CLARITIES).to_numpy()
    larger = 1 + 0.25 * log_carat.clip(-1.5, 2)
    value = 8.4 + 1.62 * log_carat + sum(0.05 * (carat >= step) for step in STEPS)
    value += larger * (0.085 * (color - 6) - 0.004 * (color - 6) ** 2)
    value += larger * (0.11 * (clarity - 4) - 0.003 * (clarity - 4) ** 2)
    value += (
        stones["cut"]
        .map({"": 0.0, "Good": -0.12, "Very Good": -0.05, "Excellent": 0.0, "Ideal": 0.04})
        .to_numpy()
    )
    for at, shape in ((1, 1.0), (2, log_carat)):
        value += (
            stones["shape"].map({name: one[at] for name, one in SHAPES.items()}).to_numpy() * shape
        )
    for name in ("polish", "symmetry"):
        value += 0.02 * (place(name, FINISH).to_numpy() - 2)
    grown = (stones.origin == "Lab-grown").to_numpy()
    value += np.where(
        grown, np.log(GROWN) - 0.25 * log_carat.clip(-1.5, 2), stones.laboratory.map(LABORATORIES)
    )
    tint = np.where(color >= 8, OF_COLORLESS, np.where(color <= 5, OF_TINTED, OF_COLORLESS / 3))
    value += stones.fluorescence.map(FLUORESCENCE).to_numpy() * tint
    return value - 0.015 * (stones.table.to_numpy() - 58) / 2.5


# As a file


EXPORTED = {
    "Stock #": None,
    "Shape": "shape",
    "Weight": "carat",
    "Color": "color",
    "Clarity": "clarity",
    "Cut": "cut",
    "Pol": "polish",
    "Sym": "symmetry",
    "Fluor": "fluorescence",
    "Depth %": "depth",
    "Table %": "table",
    "Measurements": None,
    "Lab": "laboratory",
    "Report #": "report",
    "Growth": "origin",
    "Total Price": "price",
    "Seller": None,
}
SHORT = {"Excellent": "EX", "Very Good": "V.Good", "Good": "GD", "Ideal": "ID"}


def as_exported(stones):
    """The stones under a shop's headings and with its short grades; a DataFrame of texts."""
    rows = {name: stones[column].astype(str) for name, column in EXPORTED.items() if column}
    sizes = [
        f"{x:.2f}-{y:.2f}x{z:.2f}" for x, y, z in zip(stones.x, stones.y, stones.z, strict=True)
    ]
    rows |= {"Measurements": sizes, "Seller": "Example & Sons"}
    rows["Stock #"] = [f"S{number:06}" for number in range(1, len(stones) + 1)]
    for name in ("Cut", "Pol", "Sym"):
        rows[name] = rows[name].replace(SHORT)
    rows["Total Price"] = [f"${price:,.0f}" for price in stones.price]
    return pd.DataFrame(rows)[[*EXPORTED]]


def main():
    """Writes a list as CSV."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("path")
    parser.add_argument("--stones", type=int, default=60_000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    as_exported(make(options.stones, options.seed).stones).to_csv(options.path, index=False)


if __name__ == "__main__":
    main()
