"""Before a version is activated: what it would have answered, and its model card beside the active
one's."""

from unittest.mock import Mock

import pytest
from django.urls import reverse

from predictor.models import Prediction
from predictor.replay import services
from predictor.versions.store import register

REPLAY = reverse("admin:prediction-replay")
pytestmark = pytest.mark.django_db


@pytest.fixture
def other(live_models, other_forests):
    return register(other_forests["graded"], "tests")


def test_a_view_is_asked_of_another_version(reviewer, answers, other):
    page = reviewer.get(f"{REPLAY}?against={other.pk}&last=2&carat__range__gte=0.755")
    assert "Predictions repeated with graded 2: 2" in page.text
    newest, middle, oldest = Prediction.objects.filter(status=200).values_list("pk", flat=True)
    assert str(newest) in page.text
    assert str(middle) in page.text
    assert str(oldest) not in page.text
    assert '<input type="hidden" name="carat__range__gte" value="0.755">' in page.text
    assert page.text.count('aria-labelledby="changes-title') == 1


def test_the_own_version_changes_nothing(reviewer, answers, live_models):
    page = reviewer.get(f"{REPLAY}?against={live_models['graded'].pk}")
    assert "Predictions repeated with graded 1: 3" in page.text
    assert "<dd>+0.0%</dd>" in page.text


@pytest.mark.parametrize("query", ["", "?carat__range__gte=0.7"])
def test_without_a_version_it_asks_for_one(reviewer, answers, query):
    page = reviewer.get(REPLAY + query)
    assert page.status_code == 200
    assert "asked of" not in page.text


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ("against=999", "Select a valid choice."),
        ("against=x", "Select a valid choice."),
        ("against={pk}&last=0", "greater than or equal to 1"),
        ("against={pk}&last=999999", "less than or equal to 20000"),
        ("against={pk}&last=x", "Enter a whole number."),
        ("against={pk}&status=400", "Predictions repeated with graded 2: 0"),
    ],
)
def test_what_makes_no_sense_is_told(reviewer, answers, other, query, told):
    page = reviewer.get(f"{REPLAY}?{query.format(pk=other.pk)}")
    assert page.status_code == 200
    assert told in page.text


def test_a_version_whose_file_is_gone_is_told(reviewer, answers, other, monkeypatch):
    monkeypatch.setattr(
        services, "forest_of", Mock(side_effect=FileNotFoundError(2, "No such file", "x.forest"))
    )
    text = reviewer.get(f"{REPLAY}?against={other.pk}").text
    assert "No such file" in text
    assert "Answers asked of" not in text


def test_the_form_that_makes_live_leads_to_both(reviewer, answers, other, live_models):
    versions = reverse("admin:predictor_modelversion_changelist")
    text = reviewer.post(
        versions, {"action": "activate_version", "_selected_action": other.pk}
    ).text
    beside = reverse("admin:side-by-side", args=[live_models["graded"].pk, other.pk])
    assert f'href="{REPLAY}?against={other.pk}&amp;last=1000"' in text
    assert f'href="{beside}"' in text
    page = reviewer.get(beside)
    assert "graded 1 and graded 2" in page.text
    assert f"<mark>{live_models['graded'].scores['mae']:.1f}</mark>" in page.text
    assert "<td>16" not in page.text
    assert "Color: G" in page.text


def test_two_cards_of_versions_that_are_not_there(reviewer, live_models):
    assert reviewer.get(reverse("admin:side-by-side", args=[1, 99_999])).status_code == 404


@pytest.mark.parametrize("name", ["replay", "beside"])
def test_who_may_not_see_versions_sees_neither(client, live_models, django_user_model, name):
    client.force_login(django_user_model.objects.create_user("x", is_staff=True))
    pk = live_models["graded"].pk
    address = REPLAY if name == "replay" else reverse("admin:side-by-side", args=[pk, pk])
    assert client.get(address).status_code == 403
