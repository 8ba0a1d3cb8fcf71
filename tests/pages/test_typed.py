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


@pytest.mark.parametrize(
    "wrong", [{"x": "abc"}, {"z": ""}, {"z": "0"}, {"x": "", "y": "", "z": ""}]
)
def test_an_empty_depth_is_not_wrong_where_the_measurements_are(client, live_models, wrong):
    response = submit(client, depth="", **wrong)
    assert error_at(response, "depth") == []
    assert Prediction.objects.get().error.keys() == wrong.keys()


@pytest.mark.parametrize(("z", "depth"), [("35.1", "614.2"), ("1.35", "23.6")])
def test_a_height_that_gives_an_impossible_depth_is_wrong(client, live_models, z, depth):
    response = submit(client, depth="", z=z)
    message = f"The height {z} mm gives a depth of {depth}%, which no diamond has: check it."
    assert error_at(response, "z") == [message]
    assert error_at(response, "depth") == []
    assert Prediction.objects.get().error == {"z": [message]}


def test_the_coded_form_takes_a_line_of_measurements_for_the_volume(client, live_models):
    response = submit(client, "coded", volume="4,32 - 4,35 x 2,60 mm", depth="", carat="0,30 ct")
    row = Prediction.objects.get()
    assert response.status_code == 302
    assert row.volume == round(4.32 * 4.35 * 2.6, 3)
    assert row.depth == round(200 * 2.6 / (4.32 + 4.35), 1)


LABORATORY = [
    (
        "cut",
        "Poor",
        "The data has no stones of grade Poor; its grades are Fair (worst) to Ideal (best).",
    ),
    (
        "color",
        "K",
        "The data has no stones of grade K; its grades are J (worst) to D (best).",
    ),
    (
        "color",
        "z",
        "The data has no stones of grade N–Z; its grades are J (worst) to D (best).",
    ),
    (
        "clarity",
        "i2",
        "The data has no stones of grade I2; its grades are I1 (worst) to IF (best).",
    ),
    (
        "shape",
        "princess",
        "The data has no stones of this shape (Princess): all of them are round.",
    ),
]


@pytest.mark.parametrize(("field", "word", "message"), LABORATORY)
def test_a_grade_that_the_table_lacks_is_refused(client, live_models, field, word, message):
    response = submit(client, **{field: word})
    row = Prediction.objects.get()
    assert response.status_code == 400
    assert error_at(response, field) == [message]
    assert (row.status, row.price, row.error) == (400, None, {field: [message]})


def test_what_is_wrong_beside_it_is_reported_at_once(client, live_models):
    response = submit(client, cut="Excellent", color="K", carat="abc")
    assert error_at(response, "carat")
    assert error_at(response, "color")
    assert Prediction.objects.get().error.keys() == {"carat", "color"}


@pytest.mark.parametrize(
    ("changes", "used", "sentence"),
    [
        (
            {"cut": "Excellent"},
            {"cut": "Ideal"},
            "Excellent is priced as Ideal. GIA’s Excellent can be Ideal or Premium in the data. As Premium",
        ),
        (
            {"cut": " ex/EX/ex "},
            {"cut": "Ideal"},
            "ex/EX/ex is priced as Ideal. GIA’s Excellent can be Ideal or Premium in the data. As Premium",
        ),
        (
            {"cut": "AGS 0"},
            {"cut": "Ideal"},
            "AGS 0 is priced as Ideal. AGS 0 is the AGS grade Ideal.</li>",
        ),
        (
            {"clarity": "FL"},
            {"clarity": "IF"},
            "FL is priced as IF. The data has no flawless stones (FL); IF is internally flawless. A "
            "flawless stone costs more.</li>",
        ),
    ],
)
def test_a_laboratorys_best_grade_is_priced_at_once(client, live_models, changes, used, sentence):
    response = submit(client, **changes)
    row = Prediction.objects.get()
    assert response.url == row.get_absolute_url()
    assert row.features == {**STONE, **used}
    assert [{one["field"]: one["used"]} for one in row.assumed] == [used]
    text = page(client.get(response.url, headers=ENGLISH))
    assert sentence in text
    for price in row.assumed[0]["price_as"].values():
        assert f"As Premium it is ${price:,}." in text


@pytest.mark.parametrize(
    "change",
    [{"carat": "0,70"}, {"depth": "61,5 %"}, {"x": "5.73 mm"}, {"depth": ""}, {"cut": "Excellent"}],
)
def test_the_api_takes_none_of_it(client, live_models, change):
    assert client.get("/api/predict", {**STONE, **change}).status_code == 400
    assert Prediction.objects.get().status == 400
