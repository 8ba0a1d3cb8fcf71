"""The same form of the admin sent several times at once: one is saved, the other senders see it."""

from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from threading import Barrier
from urllib.parse import urlencode

import pytest
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.auth.models import User
from django.contrib.sessions.backends.db import SessionStore
from django.test import override_settings

from ml.stones import EXAMPLES
from predictor.models import Job, Prediction, Review, Sample, SavedView
from tests.waiting import PATIENCE, wait_for

from .asking import ask

AT_ONCE = 4
PRICE = f"/api/predict?{urlencode(EXAMPLES['coded'][0])}"
LIST = "/admin/predictor/prediction/"
TOKEN = "a" * 32


class Reviewer:
    """A signed-in user of a server's admin."""

    def __init__(self, server, name):
        self.server = server
        user = User.objects.create_superuser(name, password=name)
        with override_settings(SECRET_KEY=server.environment["SECRET_KEY"]):
            session = SessionStore()
            session[SESSION_KEY] = str(user.pk)
            session[BACKEND_SESSION_KEY] = "django.contrib.auth.backends.ModelBackend"
            session[HASH_SESSION_KEY] = user.get_session_auth_hash()
            session.save()
        self.headers = {
            "Cookie": f"sessionid={session.session_key}; csrftoken={TOKEN}",
            "X-CSRFToken": TOKEN,
            "Content-Type": "application/x-www-form-urlencoded",
        }

    def post(self, path, body, **headers):
        """(status, Location header) of the answer; retries while the admin is busy, as its
        Retry-After asks."""

        def answered():
            connection = HTTPConnection("127.0.0.1", self.server.port, timeout=PATIENCE)
            try:
                connection.request("POST", path, body, {**self.headers, **headers})
                response = connection.getresponse()
                response.read()
            finally:
                connection.close()
            busy = response.status == 503 and response.headers["Retry-After"]
            return None if busy else (response.status, response.headers["Location"])

        return wait_for(answered, self.server.log_text)


@pytest.fixture
def served(pages):
    """A server with three answers, and a reviewer."""
    with pages.server() as server:
        for _ in range(3):
            assert ask(server, PRICE).status == 200
        yield server, Reviewer(server, "rita")


def at_once(post, *arguments, **headers):
    """The answers to the same post, sent by several threads at once."""
    barrier = Barrier(AT_ONCE)

    def send(_number):
        barrier.wait()
        return post(*arguments, **headers)

    with ThreadPoolExecutor(AT_ONCE) as pool:
        return [*pool.map(send, range(AT_ONCE))]


def statuses(answers):
    return {status for status, _location in answers}


@pytest.mark.parametrize("turn", range(3))
def test_the_same_judgement_is_kept_once(served, turn):
    server, rita = served
    pk = Prediction.objects.first().pk
    said = urlencode({"state": "checked", "actual_price": "900", "note": "till"})
    assert statuses(at_once(rita.post, f"{LIST}{pk}/judge/", said)) == {302}, server.log_text()
    review = Review.objects.get()
    assert (review.prediction_id, review.actual_price, review.note) == (pk, 900, "till")
    assert Review.history.count() == 1


def test_the_same_mark_is_kept_once(served):
    server, rita = served
    answers = at_once(rita.post, f"{LIST}mark/?status=200", "state=checked&note=odd")
    assert statuses(answers) <= {200, 302}, server.log_text()
    assert 302 in statuses(answers)
    assert Review.objects.filter(note="odd").count() == Review.history.count() == 3


def test_the_same_file_of_prices_is_kept_once(served):
    server, rita = served
    rows = "".join(f"{pk},900\r\n" for pk in Prediction.objects.values_list("pk", flat=True))
    body = (
        '--x\r\nContent-Disposition: form-data; name="file"; filename="prices.csv"\r\n\r\n'
        f"id,price\r\n{rows}\r\n--x--\r\n"
    )
    kind = {"Content-Type": "multipart/form-data; boundary=x"}
    assert statuses(at_once(rita.post, f"{LIST}prices/", body, **kind)) == {302}, server.log_text()
    assert [*Review.objects.values_list("actual_price", flat=True)] == [900] * 3
    assert Review.history.count() == 3


def test_of_retrainings_asked_for_at_once_one_is_queued(served):
    server, rita = served
    answers = at_once(rita.post, "/admin/predictor/job/retrain/", "scheme=coded")
    assert statuses(answers) == {302}, server.log_text()
    job = Job.objects.get()
    assert {location for _, location in answers} == {f"/admin/predictor/job/{job.pk}/change/"}


def test_the_same_form_draws_one_sample(served):
    server, rita = served
    said = urlencode({"n": 2, "seed": 5, "form": "5" * 32})
    assert statuses(at_once(rita.post, f"{LIST}sample/", said)) == {302}, server.log_text()
    assert Sample.objects.get().predictions.count() == 2


def test_the_same_saved_view_is_kept_once(served):
    server, rita = served
    answers = at_once(
        rita.post, "/admin/predictor/savedview/add/", "name=refused&query=status%3D400"
    )
    assert statuses(answers) <= {200, 302}, server.log_text()
    assert SavedView.objects.get().name == "refused"
