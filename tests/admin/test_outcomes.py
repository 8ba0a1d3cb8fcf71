"""The prices that clients report, in the admin: released or refused by reviewers, many by a job."""

import re

import pytest
from django.contrib.auth.models import User
from django.urls import reverse

from predictor.admin.reviews import outcomes as page
from predictor.models import Job, Outcome, Review

LIST = "/admin/predictor/outcome/"

pytestmark = pytest.mark.django_db


@pytest.fixture
def waiting(answers):
    """Three outcomes that wait."""
    shop = User.objects.create(username="shop")
    return [
        Outcome.objects.create(prediction=one, amount=2750, kind="paid", by=shop) for one in answers
    ]


def act(client, name, rows):
    chosen = [row.pk for row in rows]
    sent = {"action": name, "_selected_action": chosen}
    return client.post(LIST, sent, follow=True).content.decode()


def test_the_list_shows_who_reported_what(member, waiting):
    shown = member("reviewer").get(LIST).content.decode()
    assert shown.count("2,750.00 USD") == 3
    address = reverse("admin:predictor_prediction_change", args=[waiting[0].prediction_id])
    assert address in shown
    assert "shop" in shown


def test_the_states_agree_with_the_polish_word_for_a_price(member, waiting):
    rita = member("reviewer")
    act(rita, "release", waiting[:1])
    act(rita, "refuse", waiting[1:2])
    shown = rita.get(LIST, headers={"accept-language": "pl"}).content.decode()
    cells = re.findall(r'<td class="field-state">(.*?)</td>', shown)
    assert cells == ["oczekująca", "odrzucona", "zatwierdzona"]


def test_a_reviewer_releases_some_and_refuses_others(member, waiting):
    rita = member("reviewer")
    assert "Released: 2." in act(rita, "release", waiting[:2])
    assert "Refused: 1." in act(rita, "refuse", waiting)
    assert [one.state for one in Outcome.objects.order_by("pk")] == [
        "released",
        "released",
        "refused",
    ]
    assert Review.objects.filter(by=rita.user, source="shop (paid)").count() == 2


def test_many_are_released_by_a_job(member, waiting, worker, monkeypatch):
    monkeypatch.setattr(page, "FEW", 2)
    act(member("reviewer"), "release", waiting)
    assert not Review.objects.exists()
    job = worker.one()
    assert (job.kind, job.state, job.outcome) == ("outcomes", "done", "Released: 3.")
    assert (job.done, job.total) == (3, 3)
    assert Review.objects.count() == 3


def test_a_user_who_was_deleted_meanwhile_releases_nothing(member, waiting, worker, monkeypatch):
    monkeypatch.setattr(page, "FEW", 2)
    rita = member("reviewer")
    act(rita, "release", waiting)
    rita.user.delete()
    job = worker.one()
    assert (job.state, job.outcome) == ("failed", "The user who requested it was deleted.")
    assert not Review.objects.exists()


def test_too_many_at_once_are_refused(member, waiting, monkeypatch):
    monkeypatch.setattr(page.outcomes, "MOST_REVIEWED", 2)
    shown = act(member("reviewer"), "release", waiting)
    assert "More than 2 of the selected prices are waiting: select fewer." in shown
    assert not Review.objects.exists()
    assert not Job.objects.exists()


def test_only_reviewers_and_maintainers_may(member, waiting):
    assert member().get(LIST).status_code == 403
    assert member("maintainer").get(LIST).status_code == 200
    reader = member("reviewer")
    reader.user.groups.clear()
    assert reader.get(LIST).status_code == 403
    assert {one.state for one in Outcome.objects.all()} == {"waiting"}
