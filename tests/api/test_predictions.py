"""Recorded answers for programs, and the prices that clients report for them."""

from datetime import date, timedelta
from uuid import uuid4

import pytest
from django.contrib.auth.models import Permission, User
from rest_framework.authtoken.models import Token

from bench.transactions import watched
from ml.stones import EXAMPLES
from predictor.models import Outcome, Prediction, Review
from predictor.retraining.reviewed import reviewed
from predictor.review import outcomes

GRADED = EXAMPLES["graded"][0]
GIVEN = {"amount": 2750, "kind": "paid", "currency": "USD", "when": "2026-11-20"}
AMOUNT = "a number from 1 to 1000000000"

pytestmark = pytest.mark.django_db


def token_of(name, *permissions):
    user = User.objects.create(username=name)
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    return {"Authorization": f"Bearer {Token.objects.create(user=user).key}"}


@pytest.fixture
def shop(db):
    """The headers of a client that may report prices."""
    return token_of("shop", "add_outcome")


def send(client, path, content, headers):
    return client.post(f"/api/predictions/{path}", content, "application/json", headers=headers)


def report(client, prediction, headers, **changes):
    content = {name: value for name, value in {**GIVEN, **changes}.items() if value is not ...}
    return send(client, f"{prediction.pk}/actual", content, headers)


class TestRecorded:
    def test_a_recorded_answer_is_returned(self, client, live_models):
        first = client.get("/api/predict", {**GRADED, "asking": 3000}).json()
        response = client.get(f"/api/predictions/{first['id']}")
        assert (response.status_code, response.json()) == (200, first)
        assert client.head(f"/api/predictions/{first['id']}").status_code == 200
        assert Prediction.objects.count() == 1

    def test_a_refused_request_or_an_unknown_id_has_no_answer(self, client, live_models):
        client.get("/api/predict", {"carat": "x"})
        for id_ in (Prediction.objects.get().pk, uuid4()):
            response = client.get(f"/api/predictions/{id_}")
            assert response.status_code == 404
            assert response.json() == {"detail": f"There is no answer {id_}."}

    def test_a_closed_api_asks_for_a_token(self, client, answers, settings, shop):
        settings.API_ACCESS = "token"
        path = f"/api/predictions/{answers[0].pk}"
        assert client.get(path).status_code == 401
        assert client.get(path, headers=shop).status_code == 200


class TestReporting:
    def test_a_price_is_recorded_with_who_reported_it_and_waits(self, client, answers, shop):
        response = report(client, answers[0], shop)
        outcome = Outcome.objects.get()
        assert response.status_code == 200
        assert response.json() == {
            "id": str(answers[0].pk),
            "amount": 2750.0,
            "currency": "USD",
            "kind": "paid",
            "when": "2026-11-20",
            "state": "waiting",
            "by": "shop",
            "reported": outcome.at.isoformat(),
        }
        assert (outcome.prediction, outcome.amount, outcome.kind) == (answers[0], 2750, "paid")
        assert (outcome.sold_on, outcome.by.username) == (date(2026, 11, 20), "shop")

    def test_it_counts_for_nothing_until_a_reviewer_releases_it(self, client, answers, shop):
        report(client, answers[0], shop)
        assert not Review.objects.exists()
        assert not reviewed("USD").exists()

    def test_sent_again_it_is_the_same_and_another_one_replaces_it(self, client, answers, shop):
        first = report(client, answers[0], shop).json()
        assert report(client, answers[0], shop).json() == first
        later = report(client, answers[0], shop, amount=2800, when=...).json()
        assert (later["amount"], later["when"]) == (2800, None)
        assert Outcome.objects.get().amount == 2800

    def test_a_reviewed_price_cannot_be_changed(self, client, answers, shop, admin_user):
        first = report(client, answers[0], shop).json()
        outcomes.refuse([Outcome.objects.get().pk], admin_user)
        assert report(client, answers[0], shop).json() == first | {"state": "refused"}
        response = report(client, answers[0], shop, amount=2800)
        assert response.status_code == 409
        assert response.json() == {"detail": "It was reviewed already, so it cannot change."}
        assert Outcome.objects.get().amount == 2750

    def test_two_clients_report_the_same_answer(self, client, answers, shop):
        report(client, answers[0], shop)
        report(client, answers[0], token_of("other", "add_outcome"), amount=2600)
        assert sorted(Outcome.objects.values_list("amount", flat=True)) == [2600, 2750]

    @pytest.mark.parametrize(
        ("changes", "errors"),
        [
            ({"amount": ...}, {"amount": [f"Missing: give {AMOUNT}."]}),
            ({"amount": "much"}, {"amount": [f"“much” is not a number: give {AMOUNT}."]}),
            ({"amount": True}, {"amount": [f"“true” is not a number: give {AMOUNT}."]}),
            ({"amount": -1}, {"amount": [f"“-1” is out of bounds: give {AMOUNT}."]}),
            (
                {"amount": 9},
                {
                    "amount": [
                        "It is too far from the predicted price to be the price of this stone."
                    ]
                },
            ),
            ({"kind": ...}, {"kind": ["Use asking or paid."]}),
            ({"kind": []}, {"kind": ["Use asking or paid."]}),
            ({"currency": "EUR"}, {"currency": ["The prediction is in USD."]}),
            ({"currency": 5}, {"currency": ["The prediction is in USD."]}),
            ({"when": "20.11.2026"}, {"when": ["Invalid date; use YYYY-MM-DD."]}),
            ({"when": 5}, {"when": ["Invalid date; use YYYY-MM-DD."]}),
            ({"when": "2026-W05-1"}, {"when": ["Invalid date; use YYYY-MM-DD."]}),
            ({"when": "20260120"}, {"when": ["Invalid date; use YYYY-MM-DD."]}),
            ({"when": "x" * 100_000}, {"when": ["Invalid date; use YYYY-MM-DD."]}),
            (
                {"when": (date.today() + timedelta(3)).isoformat()},  # noqa: DTZ011
                {"when": ["The date is in the future."]},
            ),
            (
                {"price": 1},
                {"price": ["Unknown parameter; there are amount, currency, kind, when."]},
            ),
            (
                {"kind": "x", "when": "x"},
                {"kind": ["Use asking or paid."], "when": ["Invalid date; use YYYY-MM-DD."]},
            ),
        ],
    )
    def test_what_makes_no_sense_is_refused(self, client, answers, shop, changes, errors):
        response = report(client, answers[0], shop, **changes)
        assert (response.status_code, response.json()) == (400, errors)
        assert not Outcome.objects.exists()

    def test_a_missing_answer_is_refused(self, client, answers, shop):
        missing = uuid4()
        response = send(client, f"{missing}/actual", GIVEN, shop)
        assert response.status_code == 404
        assert response.json() == {"detail": f"Prediction '{missing}' does not exist."}

    def test_only_a_token_with_the_permission_reports(self, client, answers, shop):
        for headers, status in ((None, 401), (token_of("reader"), 403), (shop, 200)):
            response = report(client, answers[0], headers)
            assert response.status_code == status
        assert Outcome.objects.count() == 1

    def test_a_body_of_another_shape(self, client, answers, shop):
        for path, content in ((f"{answers[0].pk}/actual", [GIVEN]), ("actual", GIVEN)):
            response = send(client, path, content, shop)
            assert response.status_code == 400
            assert list(response.json()) == ["non_field_errors"]


class TestBatch:
    def rows(self, answers, **changes):
        return [{**GIVEN, "id": str(one.pk), **changes} for one in answers]

    def test_all_are_recorded_in_their_order(self, client, answers, shop):
        rows = self.rows(reversed(answers))
        response = send(client, "actual", rows, shop)
        assert [one["id"] for one in response.json()] == [row["id"] for row in rows]
        assert Outcome.objects.count() == 3
        assert send(client, "actual", rows, shop).json() == response.json()
        assert Outcome.objects.count() == 3

    def test_none_is_recorded_if_one_is_wrong(self, client, answers, shop):
        rows = [*self.rows(answers), {"id": "x"}, 7, self.rows(answers)[2]]
        rows[1]["amount"] = "x"
        response = send(client, "actual", rows, shop)
        assert response.status_code == 400
        assert response.json() == [
            {"row": 1, "amount": [f"“x” is not a number: give {AMOUNT}."]},
            {"row": 3, "id": ["Prediction 'x' does not exist."]},
            {"row": 4, "non_field_errors": ["“7” is not an outcome: give an object."]},
            {"row": 5, "id": ["It is also in row 2."]},
        ]
        assert not Outcome.objects.exists()

    @pytest.mark.parametrize("count", [0, 1001])
    def test_its_length_is_bounded(self, client, shop, count):
        response = send(client, "actual", [{}] * count, shop)
        message = f"{count} outcomes: give 1 to 1000 in one request."
        assert (response.status_code, response.json()) == (400, {"non_field_errors": [message]})

    def test_a_client_cannot_flood_the_reviewers(self, client, answers, shop, monkeypatch):
        monkeypatch.setattr(outcomes, "MOST_WAITING", 2)
        response = send(client, "actual", self.rows(answers), shop)
        assert (response.status_code, response["Retry-After"]) == (429, "3600")
        assert response.json() == {"detail": "Over 2 of your outcomes wait for a reviewer."}
        assert not Outcome.objects.exists()

    def test_outcomes_that_wait_already_are_not_counted_again(
        self, client, answers, shop, monkeypatch
    ):
        monkeypatch.setattr(outcomes, "MOST_WAITING", 2)
        rows = self.rows(answers)
        first = send(client, "actual", rows[:2], shop)
        again = send(client, "actual", rows[:2], shop)
        assert (again.status_code, again.json()) == (200, first.json())
        assert send(client, "actual", rows[1:], shop).status_code == 429
        assert Outcome.objects.count() == 2

    def test_no_transaction_writes_many(self, client, answers, shop, monkeypatch):
        monkeypatch.setattr(outcomes, "AT_A_TIME", 2)
        with watched() as transactions:
            assert send(client, "actual", self.rows(answers), shop).status_code == 200
        assert max(one.rows for one in transactions) == 2


class TestReviewing:
    def test_released_ones_are_reviews_of_the_reviewer_with_their_source(
        self, client, answers, shop, admin_user
    ):
        send(client, "actual", TestBatch().rows(answers), shop)
        seen = []
        ids = [*Outcome.objects.values_list("pk", flat=True)]
        done = outcomes.release(ids, admin_user, lambda *progress: seen.append(progress))
        assert (done, seen[-1]) == (3, (3, 3))
        review = Review.objects.get(prediction=answers[0])
        assert (review.actual_price, review.state, review.by) == (2750, "checked", admin_user)
        assert (review.source, review.sold_on) == ("shop (paid)", date(2026, 11, 20))
        assert {one.state for one in Outcome.objects.all()} == {"released"}
        assert {one.reviewed_by for one in Outcome.objects.all()} == {admin_user}
        assert reviewed("USD").count() == 3

    def test_an_existing_review_is_not_replaced(self, client, answers, shop, admin_user):
        Review.objects.create(prediction=answers[0], actual_price=2000, by=admin_user)
        report(client, answers[0], shop)
        assert outcomes.release([Outcome.objects.get().pk], admin_user) == 1
        assert Review.objects.get().actual_price == 2000

    def test_of_two_clients_the_first_counts(self, client, answers, shop, admin_user):
        report(client, answers[0], shop)
        report(client, answers[0], token_of("other", "add_outcome"), amount=2600)
        ids = [*Outcome.objects.values_list("pk", flat=True)]
        assert outcomes.release(ids, admin_user) == 2
        assert Review.objects.get().source == "shop (paid)"

    def test_refused_ones_leave_no_review_and_are_not_released_later(
        self, client, answers, shop, admin_user
    ):
        report(client, answers[0], shop)
        ids = [Outcome.objects.get().pk]
        assert outcomes.refuse(ids, admin_user) == 1
        assert outcomes.release(ids, admin_user) == outcomes.refuse(ids, admin_user) == 0
        assert not Review.objects.exists()
        assert Outcome.objects.get().state == "refused"

    @pytest.mark.parametrize("meanwhile", ["refused", "replaced"])
    def test_a_price_that_is_not_waiting_any_more_when_it_is_released_is_no_review(
        self, client, answers, shop, admin_user, monkeypatch, meanwhile
    ):
        report(client, answers[0], shop)
        report(client, answers[1], shop)
        first, second = Outcome.objects.order_by("pk")
        add_reviews = outcomes.add_reviews

        def late(*arguments):
            """As if it had waited for others who save reviews."""
            monkeypatch.setattr(outcomes, "add_reviews", add_reviews)
            if meanwhile == "refused":
                outcomes.refuse([first.pk], admin_user)
            else:
                report(client, answers[0], shop, amount=2800)
            return add_reviews(*arguments)

        monkeypatch.setattr(outcomes, "add_reviews", late)
        assert outcomes.release([first.pk, second.pk], admin_user) == 1
        assert [one.prediction for one in Review.objects.all()] == [answers[1]]
        state = {"refused": "refused", "replaced": "waiting"}[meanwhile]
        assert Outcome.objects.get(prediction=answers[0]).state == state
