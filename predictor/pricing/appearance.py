"""What a person sees of a stone without a loupe: its size from above, its color, whether it is eye-clean,
how much light it reflects. Called by the alternatives of a quote.

D, E and F differ only for experts, G and worse by two grades; from SI1 on (in step cuts from VS2 on),
inclusions are rarely seen with the naked eye; from Very Good on, cuts reflect nearly the same light
(GRADE_HELP, the form's own words).
"""

from typing import Any

from ml.stones import CODES
from ml.vocabulary import NOT_STATED

from .serializers import Features
from .shapes import STEP_CUTS

COLORS = "ZYXWVUTSRQPONMLKJIHG"
LOOKS: dict[str, dict[str, int]] = {
    "color": {color: place - COLORS.index("J") for place, color in enumerate(COLORS)}
    | dict.fromkeys("FED", 4),
    "clarity": {"I3": -2, "I2": -1, "I1": 0, "SI3": 0, "SI2": 1}
    | dict.fromkeys(("SI1", "VS2", "VS1", "VVS2", "VVS1", "IF", "FL"), 2),
    "cut": {"Poor": -1, "Fair": 0, "Good": 1}
    | dict.fromkeys(("Very Good", "Premium", "Excellent", "Ideal", NOT_STATED), 2),
}
"""The place of each grade on a scale on which grades that look the same have the same place."""

IN_STEP_CUTS = {**LOOKS["clarity"], "SI1": 1}
"""The same of clarity grades in step cuts."""

SEEN = {"color": 2, "clarity": 1, "cut": 1, "carat": 0.04}
"""The difference that a person sees: in places of LOOKS; for the weight, a ratio of the diameter."""


def look(name: str, grade: Any, shape: str | None = None) -> float:
    """The place of a grade in LOOKS; of a code, the mean of the grades that it covers."""
    if isinstance(grade, str):
        in_step_cut = name == "clarity" and shape in STEP_CUTS
        return (IN_STEP_CUTS if in_step_cut else LOOKS[name])[grade]
    places = [LOOKS[name][one] for one in CODES[name][grade]]
    return sum(places) / len(places)


def diameter(stone: Features) -> float:
    """The mean diameter in mm; that of a cube of its volume if only the volume is known."""
    return (stone["x"] + stone["y"]) / 2 if "x" in stone else stone["volume"] ** (1 / 3)


def lost(stone: Features, other: Features) -> dict[str, float]:
    """How much of the look the other stone lacks, by property: 1 is the least that a person sees,
    negative is a better look."""
    shape = stone.get("shape")
    steps = {
        name: (look(name, stone[name], shape) - look(name, other[name], shape)) / SEEN[name]
        for name in LOOKS
    }
    return steps | {"carat": (1 - diameter(other) / diameter(stone)) / SEEN["carat"]}
