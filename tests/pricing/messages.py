"""The parts of the messages about accepted values, and the errors of a stone; for the tables of
validation tests."""

import pytest
from rest_framework.exceptions import ValidationError

from ml.stones import EXAMPLES, GRADES, SCHEMES
from predictor.pricing.serializers import validate

CODED, GRADED = EXAMPLES["coded"][0], EXAMPLES["graded"][0]
STONES = {"coded": CODED, "graded": GRADED}


ACCEPTED = {
    "carat": "a number from 0.05 to 30 ct",
    "depth": "a number from 30 to 90%",
    "table": "a number from 30 to 100%",
    "x": "a number from 1 to 40 mm",
    "y": "a number from 1 to 40 mm",
    "z": "a number from 1 to 40 mm",
    "volume": "a number from 5 to 10000 mm³",
    "code cut": "one of 0 (Fair), 1 (Good), 2 (Very Good), 3 (Premium), 4 (Ideal)",
    "code color": "one of 0 (J, I, H, G), 1 (F, E, D)",
    "code clarity": "one of 1 (I1, SI2, SI1), 2 (VS2, VS1), 3 (VVS2, VVS1), 4 (IF)",
    "grade cut": "one of Fair, Good, Very Good, Premium, Ideal",
    "grade color": "one of J, I, H, G, F, E, D",
    "grade clarity": "one of I1, SI2, SI1, VS2, VS1, VVS2, VVS1, IF",
}
FIELDS = [(scheme, name) for scheme, names in SCHEMES.items() for name in names]


def accepted(scheme, name):
    """What the messages say about a field's accepted values."""
    kind = {"coded": "code ", "graded": "grade "}[scheme] if name in GRADES else ""
    return ACCEPTED[kind + name]


def errors_of(stone):
    """{field: [message]} of a stone that must be refused."""
    with pytest.raises(ValidationError) as caught:
        validate(stone)
    return caught.value.detail


def without(stone, name):
    """A stone without one of its parameters."""
    return {key: value for key, value in stone.items() if key != name}
