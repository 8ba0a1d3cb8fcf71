"""A version of an own list: what it accepts, what it refuses by name, what its answers warn of."""

from dataclasses import replace

import numpy as np
import pytest
from rest_framework.exceptions import ValidationError

from ml.vocabulary import DEFAULT
from predictor.models import Prediction
from predictor.pricing.assumptions import assume
from predictor.pricing.serializers import Validators
from predictor.pricing.services import Caller, PricePredictor
from predictor.pricing.shapes import depth_of, depths_of
from predictor.replay.services import replayed
from tests.own_stones import OVAL, OWN, STONE

pytestmark = pytest.mark.usefixtures("in_english")

VALIDATORS = Validators(OWN, 7)
NAMES = "carat, cut, color, clarity, depth, table, x, y, z, shape, origin, fluorescence"


@pytest.mark.parametrize(
    ("sent", "features"),
    [
        ({}, {}),
        ({"shape": "oval"}, {"shape": "Oval"}),
        ({"shape": " ROUND ", "fluorescence": "none"}, {"shape": "Round", "fluorescence": "None"}),
        ({"shape": None, "fluorescence": ""}, {}),
        ({"origin": "natural"}, {"origin": "Natural"}),
        ({"cut": ""}, {"cut": ""}),
        ({"cut": None}, {"cut": ""}),
        ({"color": "m"}, {"color": "M"}),
        ({"carat": "0.18"}, {"carat": 0.18}),
    ],
)
def test_a_version_takes_what_its_list_has(sent, features):
    assert VALIDATORS.validate({**STONE, **sent, "z": 2.5}) == (
        "graded",
        {**STONE, "z": 2.5, **features},
    )


@pytest.mark.parametrize(
    ("sent", "errors"),
    [
        (
            {"laboratory": "GIA"},
            {"laboratory": [f"Version 7 does not accept laboratory; it accepts {NAMES}."]},
        ),
        ({"shap": "Oval"}, {"shap": ["Unknown parameter. Did you mean shape?"]}),
        (
            {"shape": "Trillion"},
            {"shape": ["“Trillion” is not an accepted shape: give one of Emerald, Oval, Round."]},
        ),
        (
            {"origin": "Lab-grown"},
            {"origin": ["“Lab-grown” is not an accepted origin: give one of Natural."]},
        ),
        ({"color": "J"}, {"color": ["“J” is not a color grade: give one of M, K, H, G, F, E, D."]}),
        (
            {"cut": "AGS 0"},
            {
                "cut": [
                    "“AGS 0” is not a cut grade: give one of Good, Very Good, Excellent, Ideal, or "
                    "assume=true to price it as Ideal."
                ]
            },
        ),
        (
            {"carat": 0.17},
            {"carat": ["“0.17” is out of bounds: give a number from 0.18 to 20 ct."]},
        ),
        ({"shape": ["Oval"] * 2}, {"shape": ["2 values: give one of Emerald, Oval, Round, once."]}),
    ],
)
def test_what_a_version_does_not_know_is_refused_by_name(sent, errors):
    with pytest.raises(ValidationError) as caught:
        VALIDATORS.validate({**STONE, **sent})
    assert caught.value.detail == errors


def test_a_grade_is_assumed_only_where_the_version_lacks_it():
    sent = {**STONE, "cut": "EX", "clarity": "FL"}
    assert [one["used"] for one in assume(sent, DEFAULT)[1]] == ["Ideal", "IF"]
    assert assume(sent, OWN) == (sent, [])


def test_what_is_stated_is_recorded_and_replayed_to_the_cent(own_live):
    caller = Caller("api", request="made up")
    answer = PricePredictor().quote(OVAL, caller)
    row = Prediction.objects.get(pk=answer.pk)
    assert (row.shape, row.fluorescence, row.cut, row.origin) == ("Oval", "Faint", "", None)
    assert row.features == OVAL
    again = replayed(row)
    assert (again.price, again.low, again.high) == (row.price, row.low, row.high)


def codes_of(stone):
    answer = PricePredictor().quote(stone, Caller("api", request="made up"))
    [same, _] = PricePredictor().quote_all([stone, STONE], ["", ""], Caller("batch"))
    assert answer.warnings == same.warnings
    return {one["code"]: one for one in answer.warnings}


def test_warnings_of_measurements_depend_on_the_shape(own_live):
    found = codes_of(OVAL)
    assert not {"not_round", "diameter_order", "depth_disagrees", "carat_disagrees"} & found.keys()
    assert codes_of({**OVAL, "shape": "Round"})["not_round"]["most"] == 5.0
    assert codes_of({**OVAL, "shape": "Emerald"})["carat_disagrees"]["expected"] == 0.92


def test_a_grade_of_few_stones_is_warned_of(own_live):
    few = codes_of({**STONE, "color": "M", "shape": "Emerald"})["few_of_grade"]
    assert few == {"code": "few_of_grade", "field": "shape", "value": "Emerald", "stones": 7}
    assert "few_of_grade" not in codes_of(STONE)


@pytest.mark.parametrize("assumed", ["", "Round"])
def test_the_depth_that_sizes_give_is_by_shape(assumed):
    shape, *others = OWN.optional
    vocabulary = replace(OWN, optional=(replace(shape, assumed=assumed), *others))
    expected = {"": 62.4, "Emerald": 72.8, "Oval": 72.8, "Round": 62.4}
    sizes = 8.0, 6.0, 4.37
    one_by_one = [depth_of(sizes, {"shape": one}, vocabulary) for one in shape.levels]
    columns = {name: np.full(4, size) for name, size in zip("xyz", sizes, strict=True)}
    many = depths_of({**columns, "shape": np.arange(4.0)}, vocabulary)
    assert np.round(many, 1).tolist() == np.round(one_by_one, 1).tolist() == [*expected.values()]
