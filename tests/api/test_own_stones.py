"""The API with a version of an own list: it says what it accepts, and prices it."""

import pytest

from predictor.models import Prediction
from tests.own_stones import OVAL, OWN, STONE

PREDICT = "/api/predict"


def test_a_stone_with_optional_properties_is_priced_and_recorded(client, own_live):
    answer = client.get(PREDICT, OVAL)
    assert answer.status_code == 200
    assert answer.json()["features"] == OVAL
    row = Prediction.objects.get()
    assert (row.shape, row.fluorescence, row.origin) == ("Oval", "Faint", None)
    assert client.get(row.get_absolute_url(), {"format": "json"}).json() == answer.json()


def test_what_is_not_sent_is_not_stated(client, own_live):
    answer = client.post(PREDICT, STONE, content_type="application/json").json()
    assert answer["features"] == STONE
    assert Prediction.objects.get().stated == {}


@pytest.mark.parametrize("scheme", ["own", "shipped"])
def test_a_property_that_the_version_does_not_know_is_refused_by_name(
    client, live_models, request, scheme
):
    if scheme == "own":
        request.getfixturevalue("own_live")
    answer = client.get(
        PREDICT, {**STONE, "cut": "Ideal", "color": "H", "clarity": "IF", "polish": "Ideal"}
    )
    assert answer.status_code == 400
    [(name, [message])] = answer.json().items()
    assert (name, message[:32]) == ("polish", "Version 1 does not accept polish")
    assert Prediction.objects.get().status == 400


def test_the_model_says_what_it_accepts(client, own_live):
    both = client.get("/api/model").json()
    accepts = both["graded"]["accepts"]
    assert accepts["grades"]["color"] == ["M", "K", "H", "G", "F", "E", "D"]
    assert accepts["optional"]["shape"] == {
        "levels": ["Emerald", "Oval", "Round"],
        "ordered": False,
        "not_stated": "Round",
    }
    assert accepts["optional"]["fluorescence"]["not_stated"] is None
    assert accepts["facts"] == {"origin": "Natural"}
    assert accepts["measures"]["carat"] == [0.18, 20]
    assert both["graded"]["basis"]["year"] == own_live.price_year
    assert not {"accepts", "basis"} & both["coded"].keys()


def test_the_schema_is_that_of_the_active_version(client, own_live):
    found = client.get("/api/schema").json()
    schemas = found["components"]["schemas"]
    assert schemas["Color"]["enum"] == list(OWN.grades["color"])
    stone = schemas["GradedStone"]
    assert stone["properties"]["shape"]["enum"] == ["Emerald", "Oval", "Round"]
    assert stone["properties"]["carat"]["minimum"] == 0.18
    assert not {"cut", "shape"} & {*stone["required"]}
    assert schemas["RecordedStone"]["properties"].keys() == {*OWN.public}
    parameters = {one["name"]: one for one in found["paths"]["/api/predict"]["get"]["parameters"]}
    assert parameters["fluorescence"]["schema"]["enum"] == ["Strong", "Faint", "None"]
    assert not parameters["cut"]["required"]


def test_comparables_show_what_the_list_makes_public(client, own_live):
    answer = client.get(PREDICT, {**STONE, "include": "comparables"}).json()
    assert {name for one in answer["comparables"] for name in one["stone"]} <= {*OWN.public}
    assert all(one["price"] > 0 for one in answer["comparables"])
