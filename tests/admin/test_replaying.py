"""Before a version is activated: what it would have answered, and its model card beside the active
one's."""

import csv
import io
import math
from unittest.mock import Mock

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission
from django.core.files.storage import default_storage
from django.urls import reverse

from ml.forest.keys import NoStoneKeys
from ml.forest.matrix import row_of
from predictor.admin.versions import replays
from predictor.admin.versions.side_by_side import wilson
from predictor.models import ModelVersion, Prediction, Review
from predictor.replay import services
from predictor.replay.differences import _differences
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


@pytest.fixture
def few_at_once(monkeypatch):
    """A replay of more than one answer is a job."""
    monkeypatch.setattr(replays, "AT_ONCE", 1)


def test_a_long_replay_is_a_job_with_the_same_page(reviewer, answers, other, few_at_once, worker):
    query = f"against={other.pk}&last=3&carat__range__gte=0.755"
    page = reviewer.get(f"{REPLAY}?{query}", follow=True)
    assert "comparison with another version: 3, carat__range__gte=0.755" in page.text
    job = worker.one()
    assert (job.state, job.done, job.file) == ("done", 2, "")
    page = reviewer.get(f"{REPLAY}?job={job.pk}")
    assert "Predictions repeated with graded 2: 2" in page.text
    assert page.text.count('aria-labelledby="changes-title') == 1
    assert str(Prediction.objects.filter(status=200).first().pk) in page.text


def test_a_long_replay_as_csv_is_the_file_of_a_job(reviewer, answers, other, few_at_once, worker):
    reviewer.get(f"{REPLAY}?against={other.pk}&last=3&csv=1")
    job = worker.one()
    assert (job.state, job.rows) == ("done", 3)
    with default_storage.open(job.file) as file:
        assert len([*file]) == 1 + 3
    assert reviewer.get(f"{REPLAY}?job={job.pk}").status_code == 404


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
        ("against={pk}&last=9999999", "less than or equal to 1000000"),
        ("against={pk}&last=x", "Enter a whole number."),
        ("against={pk}&status=400", "Predictions repeated with graded 2: 0"),
    ],
)
def test_invalid_input_is_reported(reviewer, answers, other, query, told):
    page = reviewer.get(f"{REPLAY}?{query.format(pk=other.pk)}")
    assert page.status_code == 200
    assert told in page.text


def test_a_version_whose_file_is_gone_is_reported(reviewer, answers, other, monkeypatch):
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
    assert f"<td>${live_models['graded'].scores['mae']:.1f} (" in page.text
    assert "Color: G, coverage" in page.text


def changed_card(version, **changes):
    """Saves a version with another MAE (and its interval), coverage of all stones or first band."""
    version.refresh_from_db()  # its dicts are those of a forest that other tests use
    scores, card = version.scores, version.card
    for name in {"mae", "coverage"} & set(changes):
        scores[name] += changes[name]
        ends = card["intervals"]["scores"][name]
        card["intervals"]["scores"][name] = [end + changes[name] for end in ends]
    card["bands"][0] |= changes.get("band", {})
    version.save()


@pytest.mark.parametrize(
    ("changes", "better"),
    [
        ({}, {}),
        ({"mae": 1}, {}),
        ({"mae": 100}, {"Mean error (MAE)": 0}),
        ({"mae": -100}, {"Mean error (MAE)": 1}),
        ({"coverage": -0.3}, {"Prices inside their range": 0}),
        ({"band": {"mae": 900.0}}, {"Carat weight: under 0.5 ct, error": 0}),
        ({"band": {"mae": 900.0, "mae_error": None}}, {}),
        ({"band": {"coverage": 0.2}}, {"Carat weight: under 0.5 ct, coverage": 0}),
    ],
)
def test_only_figures_beyond_their_intervals_are_marked(reviewer, second_graded, changes, better):
    first, second = second_graded
    changed_card(second, **changes)
    page = reviewer.get(reverse("admin:side-by-side", args=[first.pk, second.pk]))
    rows = [row for _part, rows in page.context["parts"] for row in rows]
    marked = {
        name: [cell[1] for cell in cells].index(True)
        for name, *cells in rows
        if any(cell[1] for cell in cells)
    }
    assert marked == better
    assert page.text.count("<mark>") == len(better)
    nothing = "No figure differs by more than its interval allows." in page.text
    assert nothing == (not better)


@pytest.fixture
def second_graded(live_models, small_forests):
    """The active graded version, and another one of the same forest."""
    return live_models["graded"], register(small_forests["graded"], "tests")


def test_errors_in_two_currencies_are_not_compared(reviewer, second_graded):
    first, second = second_graded
    changed_card(second, mae=100)
    ModelVersion.objects.filter(pk=second.pk).update(currency="EUR")
    page = reviewer.get(reverse("admin:side-by-side", args=[first.pk, second.pk]))
    assert "<mark>" not in page.text


def test_cards_without_figures_are_shown(reviewer, second_graded):
    first, second = second_graded
    ModelVersion.objects.filter(pk=second.pk).update(card={})
    page = reviewer.get(reverse("admin:side-by-side", args=[first.pk, second.pk]))
    assert page.status_code == 200
    assert "<td>–</td>" in page.text


@pytest.mark.parametrize("share", [0, 0.2, 0.8, 1])
def test_the_interval_of_a_share_is_wilsons(share):
    low, high = wilson(share, 50)
    assert 0 <= low <= share <= high <= 1
    for end in {low, high} - {0, 1}:
        assert abs(share - end) == pytest.approx(1.96 * math.sqrt(end * (1 - end) / 50), abs=1e-12)


def test_a_replay_shows_the_errors_on_reviewed_stones_and_why_prices_changed(
    reviewer, answers, later
):
    Review.objects.create(prediction=answers[0], actual_price=answers[0].price * 1.1)
    page = reviewer.get(f"{REPLAY}?against={later.pk}")
    assert "MAE of version 1" in page.text
    assert "chosen for review, not random" in page.text
    assert "too few stones" in page.text
    assert "Why the prices changed" in page.text
    why = reverse("admin:predictor_prediction_change", args=[answers[0].pk])
    assert f'href="{why}?against={later.pk}#why"' in page.text


def test_a_replay_is_downloaded_as_csv(reviewer, answers, later, client, django_user_model):
    address = f"{REPLAY}?against={later.pk}&last=2&csv=1"
    response = reviewer.get(address)
    lines = [*csv.DictReader(io.StringIO(response.getvalue().decode("utf-8-sig")))]
    assert [line["id"] for line in lines] == [str(one.pk) for one in answers[1:]]
    assert LogEntry.objects.filter(object_repr__startswith="replay: against=").count() == 1
    user = django_user_model.objects.create_user("x", is_staff=True)
    user.user_permissions.add(Permission.objects.get(codename="view_modelversion"))
    client.force_login(user)
    assert client.get(address).status_code == 403


# Why another version would answer one record otherwise


def record(prediction, query=""):
    return reverse("admin:predictor_prediction_change", args=[prediction.pk]) + query


def test_a_records_page_explains_what_another_version_would_answer(
    reviewer, answers, later, later_forests
):
    page = reviewer.get(record(answers[0]))
    assert "Why would another version answer differently?" in page.text
    assert "gives $" not in page.text
    page = reviewer.get(record(answers[0], f"?against={later.pk}&_changelist_filters=status%3D200"))
    row = row_of(answers[0].features, "graded")
    price = later_forests["graded"].price(row[None])[0]
    assert f"Version 2 gives ${price:,.2f} instead of ${answers[0].price:,.2f}" in page.text
    assert "Stones with the largest parts" in page.text
    assert '<input type="hidden" name="_changelist_filters" value="status=200">' in page.text


def test_an_old_file_and_an_unknown_version_are_refused(reviewer, answers, later, monkeypatch):
    assert "Select a valid choice." in reviewer.get(record(answers[0], "?against=99")).text
    missing = Mock(side_effect=NoStoneKeys("its file does not have the keys"))
    monkeypatch.setattr("predictor.replay.differences.Differences", missing)
    _differences.cache_clear()
    page = reviewer.get(record(answers[0], f"?against={later.pk}"))
    assert "its file does not have the keys" in page.text


def test_there_is_nothing_to_explain_without_another_version(reviewer, answers):
    assert "Why would another version" not in reviewer.get(record(answers[0])).text


def test_a_refusal_and_who_may_not_see_versions_get_no_explanation(
    reviewer, answers, later, client, django_user_model
):
    refused = Prediction.objects.filter(status=400).first()
    assert "Why would another version" not in reviewer.get(record(refused)).text
    user = django_user_model.objects.create_user("x", is_staff=True)
    user.user_permissions.add(Permission.objects.get(codename="view_prediction"))
    client.force_login(user)
    page = client.get(record(answers[0], f"?against={later.pk}"))
    assert page.status_code == 200
    assert 'id="why"' not in page.text


def test_two_cards_of_versions_that_are_not_there(reviewer, live_models):
    assert reviewer.get(reverse("admin:side-by-side", args=[1, 99_999])).status_code == 404


@pytest.mark.parametrize("name", ["replay", "beside"])
def test_who_may_not_see_versions_sees_neither(client, live_models, django_user_model, name):
    client.force_login(django_user_model.objects.create_user("x", is_staff=True))
    pk = live_models["graded"].pk
    address = REPLAY if name == "replay" else reverse("admin:side-by-side", args=[pk, pk])
    assert client.get(address).status_code == 403
