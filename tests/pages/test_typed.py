"""Values as people type them: units, commas, a report's line of measurements, laboratories' terms."""

import pytest

from ml.stones import EXAMPLES
from predictor.models import Prediction

from .helpers import ENGLISH, error_at, page, submit

STONE = EXAMPLES["graded"][0]


@pytest.mark.parametrize(
    ("field", "text", "value"),
    [
        ("carat", "0,70", 0.7),
        ("carat", " 0.70 ct ", 0.7),
        ("carat", "0,7\xa0ct", 0.7),
        ("carat", "0.7CT", 0.7),
        ("carat", "0,7 karata", 0.7),
        ("carat", ".7 carat", 0.7),
        ("depth", "61,5 %", 61.5),
        ("depth", "61.5%", 61.5),
        ("depth", "61,5 proc.", 61.5),
        ("table", "56 percent", 56.0),
        ("x", "5,73 mm", 5.73),
        ("z", "3.51mm", 3.51),
    ],
)
def test_a_number_is_understood_with_its_unit_and_comma(client, live_models, field, text, value):
    assert submit(client, **{field: text}).status_code == 302
    row = Prediction.objects.get()
    assert getattr(row, field) == value
    assert row.features == {**STONE, field: value}


@pytest.mark.parametrize("field", ["x", "y", "z"])
@pytest.mark.parametrize(
    "line",
    [
        "5.70 - 5.73 x 3.51 mm",
        "5,70 – 5,73 × 3,51 mm",
        "5.70-5.73x3.51",
        " 5.70 mm x 5.73 mm x 3.51 mm ",
        "5.70*5.73*3.51",
        "5.70 / 5.73 / 3.51",
    ],
)
def test_a_line_of_measurements_fills_all_three(client, live_models, field, line):
    assert submit(client, **{"x": "", "y": "", "z": "", field: line}).status_code == 302
    row = Prediction.objects.get()
    assert (row.x, row.y, row.z) == (5.7, 5.73, 3.51)


@pytest.mark.parametrize(
    "line", ["5.70 - 5.73", "5.70 5.73 3.51", "5.70 - 5.73 x 3.51 cm", "a - b x c"]
)
def test_what_is_not_a_line_of_measurements_is_refused_as_typed(client, live_models, line):
    response = submit(client, x=line)
    assert error_at(response, "x") == [f"“{line}” is not a number: give a number from 1 to 40 mm."]
    assert Prediction.objects.get().status == 400


def test_an_empty_depth_follows_from_the_measurements_and_is_reported(client, live_models):
    response = submit(client, depth="  ")
    row = Prediction.objects.get()
    assert row.depth == 61.4
    assert row.warnings == [] or "depth_disagrees" not in {w["code"] for w in row.warnings}
    notice = "The depth was computed from the measurements."
    assert notice in page(client.get(response.url, headers=ENGLISH))
    given = submit(client).url
    assert notice not in page(client.get(given, headers=ENGLISH))


def test_an_empty_depth_stays_empty_where_the_measurements_are_wrong(client, live_models):
    response = submit(client, depth="", x="abc")
    assert error_at(response, "depth") == ["Empty: give a number from 30 to 90 %."]
    assert Prediction.objects.get().error.keys() == {"depth", "x"}


def test_the_coded_form_takes_a_line_of_measurements_for_the_volume(client, live_models):
    response = submit(client, "coded", volume="4,32 - 4,35 x 2,60 mm", depth="", carat="0,30 ct")
    row = Prediction.objects.get()
    assert response.status_code == 302
    assert row.volume == round(4.32 * 4.35 * 2.6, 3)
    assert row.depth == round(200 * 2.6 / (4.32 + 4.35), 1)


LABORATORY = [
    (
        "cut",
        "Excellent",
        "Excellent is a GIA grade; the best grade in the data is Ideal (AGS): choose "
        "Ideal or Premium.",
        ("Ideal", "Premium"),
    ),
    (
        "cut",
        "ex",
        "Excellent is a GIA grade; the best grade in the data is Ideal (AGS): choose "
        "Ideal or Premium.",
        ("Ideal", "Premium"),
    ),
    (
        "cut",
        "Poor",
        "The data has no stones of grade Poor; its grades are Fair (worst) to Ideal (best).",
        (),
    ),
    (
        "color",
        "K",
        "The data has no stones of grade K; its grades are J (worst) to D (best).",
        (),
    ),
    (
        "color",
        "z",
        "The data has no stones of grade N–Z; its grades are J (worst) to D (best).",
        (),
    ),
    (
        "clarity",
        "FL",
        "The data has no flawless stones (FL); its best grade is IF, internally "
        "flawless. Choose IF; a flawless stone costs more.",
        ("IF",),
    ),
    (
        "clarity",
        "i2",
        "The data has no stones of grade I2; its grades are I1 (worst) to IF (best).",
        (),
    ),
    (
        "shape",
        "princess",
        "The data has no stones of this shape (Princess): all of them are round.",
        (),
    ),
]


@pytest.mark.parametrize(("field", "word", "message", "choices"), LABORATORY)
def test_a_word_that_the_table_lacks_is_met_half_way(
    client, live_models, field, word, message, choices
):
    response = submit(client, **{field: word})
    row = Prediction.objects.get()
    assert response.status_code == 400
    assert error_at(response, field) == [message]
    assert (row.status, row.price, row.error) == (400, None, {field: [message]})
    for choice in choices:
        assert f'name="{field}" value="{choice}">Price it as {choice}</button>' in page(response)
    assert page(response).count("Price it as") == len(choices)


def test_what_is_wrong_beside_it_is_reported_at_once(client, live_models):
    response = submit(client, cut="Excellent", carat="abc")
    assert error_at(response, "carat")
    assert error_at(response, "cut")
    assert Prediction.objects.get().error.keys() == {"carat", "cut"}


@pytest.mark.parametrize(
    "change",
    [{"carat": "0,70"}, {"depth": "61,5 %"}, {"x": "5.73 mm"}, {"depth": ""}, {"cut": "Excellent"}],
)
def test_the_api_takes_none_of_it(client, live_models, change):
    assert client.get("/api/predict", {**STONE, **change}).status_code == 400
    assert Prediction.objects.get().status == 400
