"""The same form of the admin sent several times at once: one is saved, the other senders see it."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from urllib.parse import urlencode

import pytest
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.auth.models import User
from django.contrib.sessions.backends.db import SessionStore
from django.test import override_settings

from ml.stones import EXAMPLES
from predictor.models import Job, Prediction, Review, Sample, SavedView
from tests.waiting import wait_for

from .asking import Visitor, ask

AT_ONCE = 4
PRICE = f"/api/predict?{urlencode(EXAMPLES['coded'][0])}"
LIST = "/admin/predictor/prediction/"
TOKEN = "a" * 32


class Reviewer(Visitor):
    """A signed-in user of a server's admin."""

    def __init__(self, server, name):
        super().__init__(server)
        self.server = server
        user = User.objects.create_superuser(name, password=name)
        with override_settings(SECRET_KEY=server.environment["SECRET_KEY"]):
            session = SessionStore()
            session[SESSION_KEY] = str(user.pk)
            session[BACKEND_SESSION_KEY] = "django.contrib.auth.backends.ModelBackend"
            session[HASH_SESSION_KEY] = user.get_session_auth_hash()
            session.save()
        self.headers.update(
            {
                "Cookie": f"sessionid={session.session_key}; csrftoken={TOKEN}",
                "X-CSRFToken": TOKEN,
                "Connection": "close",
            }
        )

    def submit(self, path, form, **options):
        """(status, Location header) of the answer; retries while the admin is busy, as its
        Retry-After asks."""

        def answered():
            response = self.post(path, form, **options)
            busy = response.status_code == 503 and response.headers["Retry-After"]
            return None if busy else (response.status_code, response.headers.get("Location"))

        return wait_for(answered, self.server.log_text)


@pytest.fixture
def served(pages):
    """A server with three answers, and a reviewer."""
    with pages.server() as server:
        for _ in range(3):
            assert ask(server, PRICE).status == 200
        yield server, Reviewer(server, "rita")


def at_once(reviewer, *form, **options):
    """The answers to the same form, sent by several threads at once."""
    barrier = Barrier(AT_ONCE)

    def send(_number):
        barrier.wait()
        return reviewer.submit(*form, **options)

    with ThreadPoolExecutor(AT_ONCE) as pool:
        return [*pool.map(send, range(AT_ONCE))]


def statuses(answers):
    return {status for status, _location in answers}


@pytest.mark.parametrize("turn", range(3))
def test_the_same_judgement_is_kept_once(served, turn):
    server, rita = served
    pk = Prediction.objects.first().pk
    said = {"state": "checked", "actual_price": "900", "note": "till"}
    assert statuses(at_once(rita, f"{LIST}{pk}/judge/", said)) == {302}, server.log_text()
    review = Review.objects.get()
    assert (review.prediction_id, review.actual_price, review.note) == (pk, 900, "till")
    assert Review.history.count() == 1


def test_the_same_mark_is_kept_once(served):
    server, rita = served
    answers = at_once(rita, f"{LIST}mark/?status=200", {"state": "checked", "note": "odd"})
    assert statuses(answers) <= {200, 302}, server.log_text()
    assert 302 in statuses(answers)
    assert Review.objects.filter(note="odd").count() == Review.history.count() == 3


def test_the_same_file_of_prices_is_kept_once(served):
    server, rita = served
    rows = "".join(f"{pk},900\r\n" for pk in Prediction.objects.values_list("pk", flat=True))
    file = {"file": ("prices.csv", f"id,price\r\n{rows}")}
    answers = at_once(rita, f"{LIST}prices/", {}, files=file)
    assert statuses(answers) == {302}, server.log_text()
    assert [*Review.objects.values_list("actual_price", flat=True)] == [900] * 3
    assert Review.history.count() == 3


def test_of_retrainings_asked_for_at_once_one_is_queued(served):
    server, rita = served
    answers = at_once(rita, "/admin/predictor/job/retrain/", {"scheme": "coded"})
    assert statuses(answers) == {302}, server.log_text()
    job = Job.objects.get()
    assert {location for _, location in answers} == {f"/admin/predictor/job/{job.pk}/change/"}


def test_the_same_form_draws_one_sample(served):
    server, rita = served
    form = {"n": 2, "seed": 5, "form": "5" * 32}
    assert statuses(at_once(rita, f"{LIST}sample/", form)) == {302}, server.log_text()
    assert Sample.objects.get().predictions.count() == 2


def test_the_same_saved_view_is_kept_once(served):
    server, rita = served
    answers = at_once(
        rita, "/admin/predictor/savedview/add/", {"name": "refused", "query": "status=400"}
    )
    assert statuses(answers) <= {200, 302}, server.log_text()
    assert SavedView.objects.get().name == "refused"
