"""Refusals as a client gets them, as they are recorded, and in Polish."""

import json

import pytest
from django.conf import settings
from django.utils.translation import override

from predictor.history.record import KEPT_OF_REQUEST
from predictor.models import Prediction

from .messages import CODED, FIELDS, GRADED, STONES, accepted, errors_of, without

pytestmark = pytest.mark.usefixtures("in_english")


@pytest.mark.django_db
class TestOverTheApi:
    """Some rows of the validation tables, as a client gets them and as they are recorded."""

    def refused(self, client, query):
        response = client.get("/api/predict", query)
        assert response.status_code == 400
        row = Prediction.objects.get()
        assert (row.status, row.error, row.price) == (400, response.json(), None)
        return row

    @pytest.mark.parametrize(("scheme", "name"), FIELDS)
    def test_a_parameter_given_twice_is_refused_and_recorded(self, client, scheme, name):
        row = self.refused(client, {**STONES[scheme], name: [STONES[scheme][name]] * 2})
        assert row.error == {name: [f"2 values: give {accepted(scheme, name)}, once."]}
        assert isinstance(row.request_object()[name], list)

    @pytest.mark.parametrize(("scheme", "name"), FIELDS)
    def test_a_value_of_5000_characters_is_answered_shortly_and_cut_in_the_record(
        self, client, scheme, name
    ):
        row = self.refused(client, {**STONES[scheme], name: "ż" * 5000})
        [message] = row.error[name]
        assert message.startswith("“" + "ż" * 40 + "…” is no")
        assert len(message) < 160
        assert len(row.request.encode()) == KEPT_OF_REQUEST

    def test_a_cut_never_splits_a_character(self, client):
        body = json.dumps({"carat": "ż" * 5000}, ensure_ascii=False)
        response = client.post("/api/predict", body, content_type="application/json")
        assert response.status_code == 400
        kept = Prediction.objects.get().request
        assert body.startswith(kept)
        assert KEPT_OF_REQUEST - 1 <= len(kept.encode()) <= KEPT_OF_REQUEST


@pytest.mark.skipif(
    not (settings.LOCALE_PATHS[0] / "pl" / "LC_MESSAGES" / "django.mo").exists(),
    reason="the Polish messages are not compiled",
)
@pytest.mark.parametrize(
    "stone",
    [
        without(CODED, "carat"),
        {**CODED, "carat": ""},
        {**CODED, "carat": "x"},
        {**CODED, "carat": "nan"},
        {**CODED, "carat": 31},
        {**CODED, "carat": [1, 2]},
        {**CODED, "carat": {}},
        {**CODED, "carat": 2},
        {**CODED, "carat": 0.1},
        {**CODED, "cut": 7},
        {**GRADED, "cut": "Idael"},
        {**GRADED, "colour": "G"},
        {**GRADED, "certificate": 1},
        {},
        {**CODED, "x": 1},
    ],
)
def test_messages_are_in_polish_where_polish_is_on(stone):
    english = errors_of(stone)
    with override("pl"):
        polish = errors_of(stone)
    assert list(polish) == list(english)
    assert all(polish[name] != english[name] for name in english)
