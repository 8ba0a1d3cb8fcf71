"""Trains the networks of a graded forest's trend (ml.forest.network), the same on every processor.

As for the boosted trees, the stones are in folds, all listings of one stone in the same, and each fold has
a network trained without it. Stochastic gradient descent by Adam (Kingma and Ba, 2015) on Huber's loss
(1964). What BLAS multiplies is rounded to so few binary places that all sums are exact: then they do not
depend on the order in which a processor adds. Called only by ml.training.
"""

import math
import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from threadpoolctl import threadpool_limits

from ml.forest.network import FULL, INPUT_BITS, LAYERS, UNIT_BITS, Networks, inputs_of

from .exact import rounded

SHARE = 0.5
"""The networks' share of what is added to the trend's base; the boosted trees have the rest."""

UNITS = 96, 48

MANY = 10_000
"""With at least this many stones, a training step uses about 512 of them, and each stone is used 16 times.
With fewer, a step uses about 256, or a quarter of all, and each stone is used 32 times."""

RATE, WARM = 0.008, 0.1
"""The learning rate, and the ratio of the steps in which it rises; then it falls to 0."""

MEAN, SQUARE, LITTLE = 0.9, 0.999, 1e-8
"""Adam's: how much of the gradients' means, and of those of their squares, is kept at each step; what it
adds before it divides."""

SCALE, FAR = 0.1, 0.7
"""The unit of the target, in log price; how far off a price counts by its distance and no longer by the
square of it, in such units."""

PIECES = {"carat": 24, "depth": 4, "table": 4, "fill": 4, "asymmetry": 4}
"""Features in pieces that have the same number of stones each."""

LEFT_OUT = ("smaller diameter", "larger diameter", "height", "volume", "ridge trend")
"""Features that others determine."""

ROOM = 0.02
"""What is added to the deviation of an input before it is divided by it."""

INPUT_PLACES, UNIT_PLACES, WEIGHT_PLACES, ERROR_PLACES = 10, 12, 16, 16
HIGHEST, HEAVIEST = FULL / 2**UNIT_BITS, 4.0
"""Binary places of what is multiplied; the most that a unit gives, the largest weight. The largest sum, of
at most 539 inputs under 2**6 times errors under 2**10, has 10 + 6 + 10 + 26 = 52 of a float's 53 binary
places."""

COUNTED = 20
"""A network counts as this many trees in the progress, as its time does."""


@dataclass(frozen=True)
class Trained:
    """tables: of ml.forest.network.Networks; own: what the network that has not seen it gives for each
    training stone, log price, (n,). Both have the networks' SHARE already."""

    tables: dict
    own: np.ndarray


def train(features, names, target, fold, seed, advance):
    """A network for each of the folds, trained without it; Trained.

    features: float32 (n, q), called by names (ml.forest.matrix.features_of); target: log price above the
    base of the trend; fold: (n,). advance: called with a number of trees after each network.
    """
    folds, encoding = np.unique(fold), encoding_of(features, names)
    inputs = inputs_of(encoding, features) * 0.5**INPUT_BITS
    centre = rounded(inputs.mean(axis=0))
    scale = 1 / (rounded(np.sqrt(((inputs - centre) ** 2).mean(axis=0))) + ROOM)
    scaled = rounded((inputs - centre) * scale, INPUT_PLACES)

    def trained(number):
        rest = fold != number
        network = Network(scaled.shape[1], np.random.default_rng([seed, 7, int(number)]))
        network.fit(scaled[rest], target[rest] / SCALE)
        return network

    with threadpool_limits(1, "blas"), ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        networks = []
        for network in pool.map(trained, folds):
            networks.append(network)
            advance(COUNTED)
    tables = encoding | packed([network.unscaled(centre, scale) for network in networks])
    own = np.empty(len(fold))
    for place, number in enumerate(folds):
        out, alone = fold == number, Networks(_alone(tables, place))
        own[out] = alone.log_price(alone.sums_of_many(features[out])[0])
        _check(own[out], SHARE * SCALE * networks[place].outputs(scaled[out])[-1][:, 0])
    return Trained(tables, own)


def encoding_of(features, names):
    """The tables feature, low and scale: which feature each input is of, and its two knots."""
    found = []
    for column, name in enumerate(names):
        if name not in LEFT_OUT:
            knots = _knots(features[:, column].astype(np.float64), name)
            found += [(column, *pair) for pair in pairwise(knots)]
    feature, low, high = np.array(found, np.float64).reshape(-1, 3).T
    return {"feature": feature.astype(np.int64), "low": low, "scale": 2**INPUT_BITS / (high - low)}


def _knots(values, name):
    """Ascending values of a feature; for grades and other levels all whole numbers that there are."""
    if name in PIECES:
        ratios = np.linspace(0, 1, PIECES[name] + 1)
        return np.unique(np.quantile(values, ratios, method="lower"))
    if name == "table's decimals":
        return np.array([0.0, 1.0])  # whole or not
    return np.arange(values.min(), values.max() + 1)


class Network:
    """One network in training, in floats. inputs: how many it has; generator: numpy's, for the weights it
    begins with (Glorot and Bengio, 2010) and the order of the stones."""

    def __init__(self, inputs, generator):
        sizes = [(inputs, UNITS[0]), UNITS, (UNITS[1], 1)]
        self._generator = generator
        self.weights = [
            (2 * generator.random(size) - 1) * math.sqrt(6 / sum(size)) for size in sizes
        ]
        self.biases = [np.zeros(size[1]) for size in sizes]

    def fit(self, inputs, target):
        """inputs: float64 (n, inputs), rounded; target: (n,), in units of SCALE."""
        batch, times = (512, 16) if len(target) >= MANY else (min(256, len(target) // 4), 32)
        steps = len(target) // batch
        descent = Adam([*self.weights, *self.biases], times * steps)
        for _ in range(times):
            order = self._generator.permutation(len(target))
            for some in np.array_split(order, steps):
                descent.step(self._gradients(inputs[some], target[some]))
                for weights in self.weights:
                    np.clip(weights, -HEAVIEST, HEAVIEST, out=weights)

    def _gradients(self, inputs, target):
        """Of the mean loss of some stones: those of the weights, then those of the biases."""
        units = [inputs, *self.outputs(inputs)]
        error = (units.pop()[:, 0] - target).clip(-FAR, FAR)[:, None]
        of_weights, of_biases = [], []
        for layer in (2, 1, 0):
            error = rounded(error, ERROR_PLACES)
            of_weights.insert(0, units[layer].T @ error / len(target))
            of_biases.insert(0, error.sum(axis=0) / len(target))
            if layer:
                error = error @ rounded(self.weights[layer], WEIGHT_PLACES).T * (units[layer] > 0)
        return of_weights + of_biases

    def outputs(self, inputs):
        """What the units of each layer give; the last one's is the answer, in units of SCALE (n, 1)."""
        found = [inputs]
        for weights, bias in zip(self.weights, self.biases, strict=True):
            sums = found[-1] @ rounded(weights, WEIGHT_PLACES) + bias
            found.append(rounded(sums.clip(0, HIGHEST), UNIT_PLACES))
        return [*found[1:-1], sums]

    def unscaled(self, centre, scale):
        """(weights, biases) of the same network for inputs that were not centred and scaled."""
        first = self.weights[0] * scale[:, None]
        bias = self.biases[0] - (first * centre[:, None]).sum(axis=0)
        return [first, *self.weights[1:]], [bias, *self.biases[1:]]


class Adam:
    """Changes arrays in place, by their gradients; steps: how many there will be."""

    def __init__(self, arrays, steps):
        self._arrays, self._steps, self._done = arrays, steps, 0
        self._means = [np.zeros_like(array) for array in arrays]
        self._squares = [np.zeros_like(array) for array in arrays]
        self._left = [1.0, 1.0]

    def step(self, gradients):
        self._done += 1
        self._left = [self._left[0] * MEAN, self._left[1] * SQUARE]
        rate = RATE * min(1, self._done / (WARM * self._steps)) * (1 - self._done / self._steps)
        rate *= math.sqrt(1 - self._left[1]) / (1 - self._left[0])
        for array, mean, square, gradient in zip(
            self._arrays, self._means, self._squares, gradients, strict=True
        ):
            mean += (1 - MEAN) * (gradient - mean)
            square += (1 - SQUARE) * (gradient * gradient - square)
            array -= rate * mean / (np.sqrt(square) + LITTLE)


def packed(networks):
    """The tables of some (weights, biases), as whole numbers: as many binary places as 16 bits have room
    for, and sums of 31. A bias is at most what the rounded weights leave of these."""
    tables, shifts = {}, []
    for layer, name in enumerate(LAYERS):
        weights = np.stack([some[layer].T for some, _ in networks])
        bias = np.stack([some[layer] for _, some in networks])
        bits, most = (UNIT_BITS, HIGHEST) if layer else (INPUT_BITS, 1.0)
        sums = np.abs(weights).sum(axis=2).max() * most
        limits = (
            15 - _digits(np.abs(weights).max()),
            30 - bits - _digits(max(sums, np.abs(bias).max())),
        )
        places = min(limits)
        shifts.append(places + bits - UNIT_BITS)
        weights = np.rint(weights * 2.0**places).clip(-FULL, FULL)
        left = 2**31 - 1 - np.abs(weights).sum(axis=2) * most * 2**bits
        tables[name] = weights.astype(np.int16)
        bias = np.rint(bias * 2.0 ** (places + bits)).clip(-left, left)
        tables[f"{name}_bias"] = bias.astype(np.int32)
    unit = SHARE * SCALE / len(networks) * 0.5 ** (places + UNIT_BITS)
    return tables | {"shifts": np.array(shifts[:2]), "unit": np.array(unit)}


def _digits(value):
    """The number of binary digits before the point."""
    return math.frexp(value)[1]


def _alone(tables, net):
    """The tables with one of the networks only."""
    count = len(tables["first"])
    of_nets = [name for layer in LAYERS for name in (layer, f"{layer}_bias")]
    one = {name: tables[name][net : net + 1] for name in of_nets}
    return tables | one | {"unit": tables["unit"] * count}


def _check(own, theirs):
    """Raises RuntimeError if whole numbers give another price than the network that was trained: if they
    differ by over 0.01, or 1% of the largest number if that is over 1; in log price."""
    worst = np.abs(own - theirs).max()
    if not worst <= 0.01 * max(1, np.abs(theirs).max()):
        raise RuntimeError(f"the network in whole numbers differs by {worst:.2g} in log price")
