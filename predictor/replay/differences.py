"""Why another version answers a stone otherwise. Called by replays, the admin and the pages of quotes."""

from functools import lru_cache

import numpy as np

from ml.forest.artifact import ForestFileError
from ml.forest.differences import PARTS, Differences
from ml.forest.keys import NoStoneKeys
from predictor.versions.live import forest_of
from predictor.wording.differences import not_known


class NotKnown(ValueError):
    """A stone that a version does not know; the message says what of it, for display."""


UNEXPLAINED = (ForestFileError, OSError, NoStoneKeys, NotKnown)
"""Why a difference cannot be explained: a forest file that is missing or cannot be read, or an old one; a
version that does not know the stone."""


@lru_cache(maxsize=4)
def _differences(before, after, by_trees):
    return Differences(before.by_trees, after.by_trees) if by_trees else Differences(before, after)


def differences_between(before, after, by_trees=False):
    """The Differences of two ModelVersions of one scheme; raises UNEXPLAINED. by_trees: for stones that
    the training data cannot have themselves."""
    return _differences(forest_of(before), forest_of(after), by_trees)


def why(prediction, version):
    """The Difference between a recorded answer and that of another ModelVersion to the same stone.

    Raises UNEXPLAINED, and ValueError for a version of another scheme.
    """
    before, after, stone = prediction.version, forest_of(version), prediction.features
    if unknown := after.unknown_in(stone):
        raise NotKnown(not_known(version.number, *unknown[0]))
    found = differences_between(before, version, not prediction.may_be_recorded)
    return found.of_one(forest_of(before).row(stone), after.row(stone))


def parts_of(predictions, version):
    """The parts of the differences, in log price, for n Predictions whose stones the version knows; float64
    (n, len(PARTS)).

    NaN for answers in another currency, and where the version that answered cannot be loaded.
    """
    parts = np.full((len(predictions), len(PARTS)), np.nan)
    by_version = {}
    for place, one in enumerate(predictions):
        by_version.setdefault((one.version, not one.may_be_recorded), []).append(place)
    for (before, by_trees), places in by_version.items():
        stones = [predictions[place].features for place in places]
        parts[places] = _parts(before, version, stones, by_trees)
    return parts


def _parts(before, after, stones, by_trees):
    """The same for one version that answered, (n, len(PARTS)), or a number if all are equal."""
    if before == after or before.currency != after.currency:
        return 0.0 if before == after else np.nan
    try:
        matrices = [forest_of(version).rows(stones) for version in (before, after)]
        return differences_between(before, after, by_trees).parts(*matrices)
    except UNEXPLAINED:
        return np.nan
