"""Why another version answers a stone otherwise. Called by replays, the admin and the pages of quotes."""

from functools import lru_cache

import numpy as np

from ml.forest.artifact import ForestFileError
from ml.forest.differences import PARTS, Differences, NoStoneKeys
from ml.forest.matrix import row_of
from predictor.versions.live import forest_of

UNEXPLAINED = (ForestFileError, OSError, NoStoneKeys)
"""Why a difference cannot be explained: a forest file that is missing or cannot be read, or an old one."""


@lru_cache(maxsize=4)
def _differences(before, after):
    return Differences(before, after)


def differences_between(before, after):
    """The Differences of two ModelVersions of one scheme; raises UNEXPLAINED."""
    return _differences(forest_of(before), forest_of(after))


def why(prediction, version):
    """The Difference between a recorded answer and that of another ModelVersion to the same stone.

    Raises UNEXPLAINED, and ValueError for a version of another scheme.
    """
    found = differences_between(prediction.version, version)
    return found.of_one(row_of(prediction.features, prediction.scheme))


def parts_of(predictions, version):
    """The parts of the differences, in log price, for n Predictions; float64 (n, len(PARTS)).

    NaN for answers in another currency, and where the version that answered cannot be loaded.
    """
    parts = np.full((len(predictions), len(PARTS)), np.nan)
    by_version = {}
    for place, one in enumerate(predictions):
        by_version.setdefault(one.version, []).append(place)
    for before, places in by_version.items():
        rows = [row_of(predictions[place].features, version.scheme) for place in places]
        parts[places] = _parts(before, version, np.array(rows))
    return parts


def _parts(before, after, matrix):
    """The same for one version that answered, (n, len(PARTS)), or a number if all are equal."""
    if before == after or before.currency != after.currency:
        return 0.0 if before == after else np.nan
    try:
        return differences_between(before, after).parts(matrix)
    except UNEXPLAINED:
        return np.nan
