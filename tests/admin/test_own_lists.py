"""Retraining on a shop's list from the admin: it is read by a job, looked at, and trained on by another."""

import gzip
from dataclasses import asdict

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from bench.own_list import as_exported
from ml import training
from ml.forest import PriceForest
from ml.stones import Basis
from predictor.models import Job, ModelVersion

UPLOAD = reverse("admin:job-upload-list")
POLISH, ENGLISH = {"accept-language": "pl"}, {"accept-language": "en"}
pytestmark = pytest.mark.django_db


@pytest.fixture
def content(own_stones):
    """Returns a function of a number of stones: the content of a shop's list, with two wrong rows."""

    def export(count):
        rows = as_exported(own_stones.head(count))
        rows.loc[2, "Color"], rows.loc[7, "Total Price"] = "Fancy", ""
        return rows.to_csv(index=False).encode()

    return export


@pytest.fixture
def maintainer(member, live_models):
    client = member("maintainer")
    client.defaults["HTTP_ACCEPT_LANGUAGE"] = "en"
    return client


def send(client, content, name="list.csv", **more):
    sent = {"file": SimpleUploadedFile(name, content), "currency": "USD", **more}
    return client.post(UPLOAD, sent, follow=True)


def page_of(job):
    return reverse("admin:job-list", args=[job.pk])


def test_a_list_is_read_shown_and_trained_on(maintainer, content, worker, monkeypatch, own_forest):
    page = send(maintainer, content(1500))
    assert "list of stones: list.csv" in page.text
    job = worker.one()
    assert (job.state, job.outcome) == ("done", "1,498 stones")
    assert job.result["stones"] == 1498
    assert job.result["left_out"][0][2] == [[4, "Fancy"]]
    page = maintainer.get(page_of(job))
    assert "1,498 stones of 1,500 rows can be used." in page.text
    assert "Columns left out: &#x27;Stock #&#x27;, &#x27;Seller&#x27;." in page.text
    assert "Cut: &#x27;V.Good&#x27; → Very Good" in page.text
    assert "<td>line 4: &#x27;Fancy&#x27;</td>" in page.text

    def train(raw, *arguments):
        basis = next(one for one in arguments if isinstance(one, Basis))
        return PriceForest(own_forest.arrays, own_forest.metadata | {"basis": asdict(basis)})

    monkeypatch.setattr(training, "train", train)
    sent = {"year": 2025, "price_kind": "asking", "public": ["carat", "shape"], "new_basis": "on"}
    page = maintainer.post(page_of(job), sent, follow=True)
    assert "retraining: graded, list.csv" in page.text
    job = worker.one()
    assert (job.kind, job.state) == ("retrain", "done")
    version = ModelVersion.objects.get(pk=job.result["version"])
    assert (version.scheme, version.price_year, version.price_source) == (
        "graded",
        2025,
        "list.csv",
    )
    assert version.rows["left out"] == 2
    assert job.outcome.startswith("graded 2: ")
    assert "--new-basis" not in job.outcome  # it was allowed


def test_the_page_is_polish_for_polish_readers(maintainer, content, worker):
    send(maintainer, content(1000))
    text = maintainer.get(page_of(worker.one()), headers=POLISH).text
    assert "Można użyć 998 kamieni z 1000 wierszy." in text.replace("\xa0", "")
    assert "Barwa: nieznany stopień." in text
    assert "<td>wiersz 4: &#x27;Fancy&#x27;</td>" in text
    for english in ("columns", "Columns", "stones", "rows", "left out", "line ", "is read"):
        assert english not in text.split("<h2>")[1]


def test_a_compressed_list_is_read(maintainer, content, worker):
    send(maintainer, gzip.compress(content(1000)), "list.csv.gz")
    assert worker.one().result["stones"] == 998


def test_too_many_rows_left_out_are_not_trained_on(maintainer, content, worker):
    send(maintainer, content(30))
    text = maintainer.get(page_of(worker.one())).text
    assert "This is over 5% of the rows" in text
    assert "Train on this list" not in text


@pytest.mark.parametrize(
    ("sent", "outcome"),
    [
        (b"", None),
        (
            b"a,b\n1,2\n",
            "Line 1: columns are missing: carat, color, clarity, table, price, x, y, z",
        ),
        (b"PK\x03\x04 no workbook", "The zip file is cut short or damaged."),
    ],
)
def test_what_is_no_list_is_refused(maintainer, worker, sent, outcome):
    page = send(maintainer, sent)
    if outcome is None:
        assert "The submitted file is empty." in page.text
        assert not Job.objects.exists()
        return
    job = worker.one()
    assert job.state == "failed"
    assert job.outcome.startswith(outcome)
    assert maintainer.get(page_of(job)).status_code == 404


@pytest.mark.parametrize(
    ("sent", "message"),
    [
        ({"year": "2999"}, "This year is in the future."),
        ({"year": "1066"}, "Ensure this value is greater than or equal to 1900."),
        ({"price_kind": "free"}, "Select a valid choice."),
        ({"public": "price_of_mine"}, "Select a valid choice."),
    ],
)
def test_a_wrong_answer_on_the_list_requests_nothing(maintainer, content, worker, sent, message):
    send(maintainer, content(1000))
    job = worker.one()
    page = maintainer.post(page_of(job), {"year": 2025, "price_kind": "asking", **sent})
    assert message in page.text
    assert Job.objects.count() == 1


def test_a_reviewer_sends_no_list(someone, live_models, content):
    assert send(someone("rita", "reviewer"), content(30)).status_code == 403
    assert not Job.objects.exists()
