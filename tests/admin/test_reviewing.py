"""Reviewing in the admin: one record after the other, many from a file, samples, permissions."""

import csv
import io
import os
import re
from datetime import timedelta

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission, User
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from django.utils import timezone

from predictor.admin.predictions import keyset
from predictor.history import searching
from predictor.jobs import uploads
from predictor.models import (
    Job,
    Prediction,
    Review,
    ReviewLock,
    Sample,
    SavedView,
    SecondReview,
)
from predictor.review import judging
from predictor.review.export import as_csv
from predictor.review.sampling import draw

LIST = reverse("admin:predictor_prediction_changelist")
NEXT = reverse("admin:prediction-next")
PRICES = reverse("admin:prediction-prices")
SAMPLE = reverse("admin:prediction-sample")
PRUNE = reverse("admin:prediction-prune")
pytestmark = pytest.mark.django_db


@pytest.fixture
def rita(someone):
    return someone("rita", "reviewer")


@pytest.fixture
def refusal(answers):
    return Prediction.objects.get(status=400)


def page_of(prediction, query=""):
    return reverse("admin:predictor_prediction_change", args=[prediction.pk]) + query


def judge(client, prediction, query="", **said):
    address = reverse("admin:prediction-judge", args=[prediction.pk]) + query
    return client.post(address, {"state": "checked", **said}, follow=True)


# One record


def test_what_a_stone_sold_for_is_kept_with_who_said_so(rita, answers):
    page = judge(
        rita,
        answers[0],
        actual_price="2 900,50".replace(" ", ""),
        sold_on="2026-11-01",
        source="till",
        note="cash",
    )
    assert "The review was saved." in page.text
    review = Review.objects.get()
    assert (review.prediction, review.actual_price, review.by) == (answers[0], 2900.5, rita.user)
    assert (str(review.sold_on), review.source, review.note, review.state) == (
        "2026-11-01",
        "till",
        "cash",
        "checked",
    )
    assert LogEntry.objects.get().change_message == "review: checked"


def test_an_earlier_review_is_kept_beside_the_later(rita, someone, answers):
    judge(rita, answers[0], actual_price="2900")
    other = someone("otto", "reviewer")
    judge(other, answers[0], state="disputed", note="typed wrongly")
    assert Review.objects.get().state == "disputed"
    told = [(said.by.username, said.state, said.actual_price) for said in Review.history.all()]
    assert told == [("otto", "disputed", None), ("rita", "checked", 2900.0)]
    text = other.get(page_of(answers[0])).text
    assert "Earlier reviews" in text
    assert re.search(r"<td>rita</td>\s*<td>checked</td>\s*<td>2,900</td>", text)


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ({"actual_price": "much"}, "is not an amount:"),
        (
            {"actual_price": "1"},
            "It is too far from the predicted price to be the price of this stone.",
        ),
        ({"sold_on": "2026-02-30"}, "Enter a valid date."),
        ({"sold_on": "2999-01-01"}, "The date is in the future."),
        ({"source": "x" * 201}, "at most 200 characters"),
        ({"state": "fine"}, "Select a valid choice."),
        ({"note": "a\0b"}, "Null characters are not allowed."),
    ],
)
def test_what_makes_no_sense_is_reported_and_not_kept(rita, answers, said, message):
    page = judge(rita, answers[0], **said)
    assert page.status_code == 200
    assert message in page.text
    assert not Review.objects.exists()


def test_a_refusal_cannot_be_judged(rita, refusal):
    assert '<h2 id="judging">' not in rita.get(page_of(refusal)).text
    judge(rita, refusal, actual_price="100")
    assert not Review.objects.exists()


# Locks


def type_into(client, prediction, **sent):
    """What a page's script sends when its reviewer starts to type; or its button *Take over*."""
    return client.post(reverse("admin:prediction-lock", args=[prediction.pk]), sent)


@pytest.fixture
def otto(someone):
    return someone("otto", "reviewer")


@pytest.fixture
def max_(someone):
    return someone("max", "maintainer")


def test_reading_locks_nothing_and_typing_does_for_a_while(rita, otto, answers):
    for reader in (rita, otto):
        assert '<h2 id="judging">' in reader.get(page_of(answers[0])).text
    assert not ReviewLock.objects.exists()
    assert "You have been reviewing this since" in type_into(rita, answers[0]).json()["text"]
    since = ReviewLock.objects.get().since
    assert type_into(rita, answers[0]).status_code == 200
    assert (ReviewLock.objects.get().by, ReviewLock.objects.get().since) == (rita.user, since)
    refused = type_into(otto, answers[0])
    assert refused.status_code == 409
    assert "rita has been reviewing this since" in refused.json()["text"]
    page = otto.get(page_of(answers[0]))
    assert "rita has been reviewing this since" in page.text
    assert '<h2 id="judging">' not in page.text
    ReviewLock.objects.update(until=timezone.now() - timedelta(seconds=1))
    assert type_into(otto, answers[0]).status_code == 200
    assert ReviewLock.objects.get().by == otto.user


def test_a_save_beside_a_lock_saves_nothing_and_loses_nothing(rita, otto, answers):
    type_into(rita, answers[0])
    page = judge(otto, answers[0], actual_price="2900", note="a long note", state="disputed")
    assert "Not saved: rita has been reviewing this since" in page.text
    assert not Review.objects.exists()
    assert 'value="2900"' in page.text
    assert "a long note</textarea>" in page.text
    assert "Take over" not in page.text
    ReviewLock.objects.all().delete()
    judge(otto, answers[0])
    assert Review.objects.get().by == otto.user


def test_only_a_maintainer_takes_a_lock_over(rita, otto, max_, answers):
    type_into(rita, answers[0])
    assert type_into(otto, answers[0], take_over=1).status_code == 403
    assert judge(otto, answers[0], take_over=1).status_code == 403
    assert "Take over" in max_.get(page_of(answers[0])).text
    assert type_into(max_, answers[0], take_over=1).status_code == 302
    assert ReviewLock.objects.get().by == max_.user
    assert LogEntry.objects.get().change_message == "review: taken over"
    assert "Not saved: max has been reviewing" in judge(rita, answers[0], note="mine").text
    type_into(rita, answers[1])
    assert "Take over and save" in judge(max_, answers[1], note="kept").text
    judge(max_, answers[1], note="kept", take_over=1)
    assert (Review.objects.get().by, Review.objects.get().note) == (max_.user, "kept")


def test_a_review_saved_meanwhile_is_not_replaced_unseen(rita, otto, answers):
    opened = rita.get(page_of(answers[0])).context["seen"]
    judge(otto, answers[0], actual_price="2900", state="disputed")
    page = judge(rita, answers[0], actual_price="3000", seen=opened)
    assert "Not saved: otto has saved a review meanwhile (disputed)." in page.text
    assert 'value="3000"' in page.text
    assert Review.objects.get().actual_price == 2900
    judge(rita, answers[0], actual_price="3000", seen=page.context["seen"])
    assert Review.objects.get().actual_price == 3000


# A saved view, record by record


def test_save_and_next_walks_through_a_view_and_shows_how_far(rita, answers):
    view = "?_changelist_filters=scheme__exact%3Dgraded"
    page = rita.get(f"{reverse('admin:prediction-next')}{view}", follow=True)
    seen = []
    for _ in range(3):
        seen.append(page.context["original"])
        judged, total = re.search(r"(\d) of (\d) reviewed", page.text).groups()
        assert (int(judged), int(total)) == (len(seen) - 1, 3)
        page = judge(rita, seen[-1], view, next="1", actual_price="2900")
    assert seen == answers[::-1]
    assert "All predictions of this filter have been reviewed." in page.text
    assert page.redirect_chain[-1][0] == f"{LIST}?scheme__exact=graded"


def test_what_is_skipped_or_locked_comes_last_or_not_at_all(rita, otto, answers):
    type_into(otto, answers[1])
    address = f"{reverse('admin:prediction-next')}?_changelist_filters="
    first = rita.get(address, follow=True)
    assert first.context["original"] == answers[2]
    skipped = re.search(r'href="([^"]*)"[^>]*data-skip', first.text)[1].replace("&amp;", "&")
    second = rita.get(skipped, follow=True)
    assert second.context["original"] == answers[0]
    judge(rita, answers[0])
    again = rita.get(f"{address}&after={answers[0].pk}", follow=True)
    assert again.context["original"] == answers[2]


def test_the_next_answer_is_searched_for_in_parts_and_the_page_says_how_far(
    rita, answers, monkeypatch
):
    monkeypatch.setattr(searching, "PART", 1)
    monkeypatch.setattr(keyset, "SECONDS", 0)
    address, pages = f"{NEXT}?_changelist_filters=carat__lt%3D0.755", 0
    while (page := rita.get(address)).status_code == 200:
        assert "Searched back to" in page.text
        refresh = r'<meta http-equiv="refresh" content="0; url=([^"]*)">'
        address, pages = re.search(refresh, page.text)[1].replace("&amp;", "&"), pages + 1
    assert pages == Prediction.objects.filter(pk__gt=answers[0].pk).count() > 1
    assert page.url.startswith(page_of(answers[0]))


def test_the_progress_counts_the_newest_part_of_a_long_history(rita, answers, monkeypatch):
    monkeypatch.setattr(searching, "PART", 3)
    view = "?_changelist_filters=scheme__exact%3Dgraded"
    text = re.sub(r"\s+", " ", rita.get(page_of(answers[2], view)).text)
    assert "0 of 2 reviewed (the newest of more)" in text


def test_the_same_judgement_sent_twice_is_one(rita, answers):
    for _ in range(2):
        judge(rita, answers[0], actual_price="2900", note="till")
    assert Review.history.count() == 1
    judge(rita, answers[0], actual_price="2901", note="till")
    assert Review.history.count() == 2


# Many from a file


def upload(client, text, encoding="utf-8"):
    content = text if isinstance(text, bytes) else text.encode(encoding)
    return client.post(PRICES, {"file": SimpleUploadedFile("prices.csv", content)}, follow=True)


def test_prices_come_from_a_file_all_of_them(rita, answers):
    rows = "".join(f"{row.pk},{2900 + place},usd,till\r\n" for place, row in enumerate(answers))
    page = upload(rita, f"\ufeffid,price,currency,source\r\n{rows}")
    assert "3 actual prices were saved." in page.text
    told = Review.objects.order_by("prediction_id").values_list("actual_price", "source", "by")
    assert [*told] == [(2900 + place, "till", rita.user.pk) for place in range(3)]
    assert (LogEntry.objects.get().object_repr, LogEntry.objects.get().user) == (
        "prices.csv",
        rita.user,
    )


def test_the_export_with_prices_filled_in_is_a_file_of_prices(rita, answers):
    content = b"".join(as_csv(Prediction.objects.all())).decode("utf-8-sig")
    rows = [*csv.DictReader(io.StringIO(content))]
    for row, price in zip(rows, ("2900", "2901.5", ""), strict=False):
        row |= {"actual_price": price, "sold_on": "2026-01-02", "review_note": "=till; -5"}
    text = io.StringIO()
    writer = csv.DictWriter(text, [*rows[0]], delimiter=";")
    writer.writeheader()
    writer.writerows(rows)
    page = upload(rita, text.getvalue())
    assert "2 actual prices were saved. Rows without a price, left out: 2." in page.text
    told = Review.objects.order_by("prediction_id").values_list("actual_price", "note", "source")
    assert [*told] == [(2900, "=till; -5", ""), (2901.5, "=till; -5", "")]


def test_columns_that_are_not_used_are_named(rita, answers):
    page = upload(rita, f"ID;Actual Price;colour\n{answers[0].pk};2900;x\n")
    assert "1 actual prices were saved. Columns left out: colour." in page.text
    assert Review.objects.get().actual_price == 2900


@pytest.mark.parametrize(
    ("text", "row", "message"),
    [
        ("", None, "The submitted file is empty."),
        ("id,price\n", None, "No rows below the header."),
        ("id\n{0}\n", None, "The column price is missing."),
        ("id,price\n{0},2900\n{1},-5\n", 3, "is not an amount:"),
        ("id,price\n{0},\n{1},\n", None, "There is no price in the file."),
        ("id,price,currency\n{0},2900,EUR\n", 2, "The prediction is in USD."),
        ("id,price\n00000000-0000-0000-0000-000000000000,5\n", 2, "Prediction "),
        ("id,price\n=cmd,5\n", 2, "Prediction "),
        ("id,price\n{0},2900\n{0},2901\n", 3, "It is also in row 2."),
        ("id,price\n{refused},2900\n", 2, "This request was refused, so it has no price."),
        (
            "id,price\n{0},2900,more\n",
            None,
            "Line 2: the header has 2 cells, this line 3: a separator too many or too few",
        ),
        ("id,price,sold_on\n{0},2900,1.2.2026\n", 2, "Invalid date; use YYYY-MM-DD."),
        ("id,price,state\n{0},2900,fine\n", 2, "Use checked or disputed."),
        ("id,price,note\n{0},2900,a\0b\n", None, "Line 2 contains a zero byte, so it is not text"),
        ('id,price\n"{0},2900\n', None, "Line 2 is not valid CSV: a quotation mark is missing"),
    ],
)
def test_a_file_with_a_wrong_row_is_reported_and_nothing_is_kept(
    rita, answers, refusal, text, row, message
):
    if isinstance(text, str):
        text = text.format(*(one.pk for one in answers), refused=refusal.pk)
    page = upload(rita, text)
    assert page.status_code == 200
    assert message in page.text
    assert row is None or f"<td>{row}</td>" in page.text
    assert not Review.objects.exists()


class TestByJob:
    """Longer files, and samples and reviews of many predictions, are jobs."""

    @pytest.fixture(autouse=True)
    def few_at_once(self, monkeypatch):
        monkeypatch.setattr(judging, "FEW_ROWS", 2)
        monkeypatch.setattr("predictor.admin.reviews.judging.AT_ONCE", 2)

    def send_file(self, client, answers, price="2900"):
        rows = "".join(f"{row.pk},{price}\n" for row in answers[:3])
        return upload(client, f"id,price\n{rows}\n\n")

    def test_a_long_file_is_saved_by_a_job_and_a_retry_is_the_same_job(self, rita, answers, worker):
        for _ in range(2):
            page = self.send_file(rita, answers)
        job = Job.objects.get()
        assert page.redirect_chain[-1][0] == reverse("admin:predictor_job_change", args=[job.pk])
        assert (job.kind, job.by, job.arguments["name"]) == ("prices", rita.user, "prices.csv")
        assert not Review.objects.exists()
        job = worker.one()
        assert (job.state, job.outcome) == ("done", "3 actual prices were saved.")
        assert (job.done, job.total) == (3, 3)
        assert [*Review.objects.values_list("actual_price", "by")] == [(2900, rita.user.pk)] * 3
        page = rita.get(page.redirect_chain[-1][0])
        assert "3 actual prices were saved." in page.text
        assert "?review=priced" in page.text

    def test_a_long_file_that_begins_again_keeps_what_was_reviewed_meanwhile(
        self, rita, otto, answers, worker
    ):
        self.send_file(rita, answers)
        first = worker.one()
        judge(otto, answers[0], actual_price="3000")
        # As after a kill before it was written:
        Review.history.filter(prediction=answers[1]).delete()
        Job.objects.update(state="queued", outcome="")
        again = worker.one()
        assert (again.state, again.outcome) == ("done", first.outcome)
        prices = Review.objects.order_by("prediction_id").values_list("actual_price", flat=True)
        assert [*prices] == [3000, 2900, 2900]
        assert Review.history.count() == 4

    def test_a_long_file_with_errors_saves_nothing_and_the_job_lists_them(
        self, rita, answers, worker
    ):
        self.send_file(rita, answers, price="much")
        job = worker.one()
        assert job.state == "failed"
        first, *lines = job.outcome.splitlines()
        assert first == "Nothing was saved. Errors: 3."
        assert [line.split(": ")[0] for line in lines] == ["2 price", "3 price", "4 price"]
        assert not Review.objects.exists()

    def test_a_file_that_was_stored_long_ago_is_deleted(self, rita, answers, worker, monkeypatch):
        self.send_file(rita, answers)
        monkeypatch.setattr(uploads, "KEPT", timedelta(0))
        worker._recover()
        assert default_storage.listdir(uploads.FOLDER) == ([], [])
        job = worker.one()
        assert (job.state, job.outcome) == (
            "failed",
            "The file is no longer stored. Upload it again.",
        )

    def test_a_file_that_is_sent_again_after_a_week_is_kept_for_its_job(
        self, rita, answers, worker
    ):
        self.send_file(rita, answers)
        [file] = default_storage.listdir(uploads.FOLDER)[1]
        long_ago = (timezone.now() - timedelta(days=8)).timestamp()
        os.utime(default_storage.path(f"{uploads.FOLDER}/{file}"), (long_ago, long_ago))
        worker._recover()
        assert worker.one().state == "done"

    @pytest.mark.parametrize("way", ["alike", "by_worth"])
    def test_a_sample_of_many_is_drawn_by_a_job_once(self, rita, answers, worker, way):
        user = get_user_model().objects.get(username="rita")
        settings = {"n": 2, "seed": 5, "form": "5" * 32, "way": way, "reviewers": [user.pk]}
        page = rita.post(SAMPLE, {**settings, "twice": "on"}, follow=True)
        job = worker.one()
        assert (job.state, job.done) == ("done", 3)
        sample = Sample.objects.get()
        assert (sample.by, sample.population, sample.predictions.count()) == ("rita", 3, 2)
        assert sample.by_worth == (way == "by_worth")
        assert sample.twice
        assert {drawn.reviewer for drawn in sample.predictions.all()} == {user}
        page = rita.get(page.redirect_chain[-1][0])
        assert reverse("admin:predictor_sample_change", args=[sample.pk]) in page.text
        Job.objects.update(state="queued")
        assert worker.one().result == {"sample": sample.pk}
        assert Sample.objects.count() == 1

    def test_what_a_deleted_user_requested_is_not_saved(self, rita, answers, worker):
        self.send_file(rita, answers)
        rita.post(MARK, {"state": "checked"})
        assert Job.objects.filter(kind="mark").exists()
        Job.objects.update(by=None)
        outcomes = {(job.state, job.outcome) for job in (worker.one(), worker.one())}
        assert outcomes == {("failed", "The user who requested it was deleted.")}
        assert not Review.objects.exists()

    def test_many_predictions_are_marked_by_a_job_once(self, rita, answers, worker, monkeypatch):
        monkeypatch.setattr("predictor.admin.reviews.judging.AT_ONCE", 1)
        judge(rita, answers[0], actual_price="2900")
        page = rita.get(f"{MARK}?carat__range__gte=0.7")
        assert "A job reviews them." in page.text
        said = {"state": "disputed", "note": "odd"}
        page = rita.post(f"{MARK}?carat__range__gte=0.7", said, follow=True)
        job = worker.one()
        assert (job.state, job.outcome, job.done) == ("done", "Reviewed: 2.", 2)
        assert job.result == {"reviewed": 2}
        assert LogEntry.objects.first().object_repr == f"{job}: disputed, carat__range__gte=0.7"
        page = rita.get(page.redirect_chain[-1][0])
        assert "review of many predictions: disputed, carat__range__gte=0.7" in page.text
        assert f"{LIST}?carat__range__gte=0.7" in page.text
        Review.history.filter(note="odd").delete()  # as after a kill before it was written
        Job.objects.update(state="queued")
        assert worker.one().outcome == "Reviewed: 2."
        assert Review.objects.filter(note="odd", by=rita.user).count() == 2
        assert Review.history.filter(note="odd").count() == 2

    def test_more_than_the_most_are_not_marked(self, rita, answers, worker, monkeypatch):
        rita.post(MARK, {"state": "checked"})
        monkeypatch.setattr("predictor.review.judging.MOST_ROWS", 2)
        text = "More than 2 predictions of this filter have not been reviewed: narrow the filter."
        assert (worker.one().outcome, Review.objects.count()) == (text, 0)

    def test_a_sample_that_is_too_large_fails(self, rita, answers, worker):
        rita.post(SAMPLE, {"n": 4, "seed": 5})
        assert worker.one().outcome == "Draw at most 3: there are no more."
        assert not Sample.objects.exists()


MARK = reverse("admin:prediction-mark")


def test_all_of_a_filter_are_judged_at_once_and_counted_before(rita, answers, refusal):
    judge(rita, answers[0], actual_price="2900")
    page = rita.get(f"{MARK}?carat__range__gte=0.755")
    assert "Predictions of this filter without a review: 2." in page.text
    page = rita.post(
        f"{MARK}?carat__range__gte=0.755", {"state": "disputed", "note": "odd"}, follow=True
    )
    assert "Reviewed: 2." in page.text
    told = dict(Review.objects.values_list("prediction_id", "state"))
    assert told == {answers[0].pk: "checked", answers[1].pk: "disputed", answers[2].pk: "disputed"}
    assert Review.history.filter(note="odd", history_user=rita.user).count() == 2
    assert LogEntry.objects.first().object_repr == "2: carat__range__gte=0.755"


def test_nothing_and_too_much_are_reported(rita, answers, monkeypatch):
    assert "without a review: 0." in rita.get(f"{MARK}?status=400").text
    monkeypatch.setattr("predictor.review.judging.MOST_ROWS", 2)
    page = rita.post(MARK, {"state": "checked"})
    assert (
        "More than 2 predictions of this filter have not been reviewed: narrow the filter."
        in page.text
    )
    assert not Review.objects.exists()


# Samples and saved views


def test_a_sample_is_drawn_reviewed_and_summarized(rita, answers):
    page = rita.post(SAMPLE, {"n": 2, "seed": 5}, follow=True)
    sample = Sample.objects.get()
    assert (sample.population, sample.by, sample.predictions.count()) == (3, "rita", 2)
    assert "At least two actual prices are needed; 0 of 2 have one." in page.text
    for drawn in sample.predictions.all():
        judge(rita, drawn.prediction, actual_price=str(drawn.prediction.price + 10))
    text = rita.get(reverse("admin:predictor_sample_change", args=[sample.pk])).text
    assert "10.0 ± 0.0, from 2 of 3" in text


def test_a_sample_is_reviewed_in_the_order_drawn_also_within_a_filter(rita, otto, answers):
    sample = draw(Prediction.objects.all(), 3, seed=2)
    drawn = [one.prediction for one in sample.predictions.all()]
    assert drawn != answers[::-1]
    view = f"?_changelist_filters=sample%3D{sample.pk}"
    page = rita.get(NEXT + view, follow=True)
    for place, prediction in enumerate(drawn):
        assert page.context["original"] == prediction
        assert f"{place} of 3 reviewed" in re.sub(r"\s+", " ", page.text)
        if place == 0:
            skipped = rita.get(page.context["skip_address"], follow=True)
            assert skipped.context["original"] == drawn[1]
        page = judge(rita, prediction, view, next="1", actual_price="2900")
    assert "All predictions of this filter have been reviewed." in page.text
    Review.objects.all().delete()
    within = f"{NEXT}{view}%26carat__range__lte%3D0.755"
    assert rita.get(within, follow=True).context["original"] == answers[0]
    type_into(otto, drawn[0])
    assert rita.get(NEXT + view, follow=True).context["original"] == drawn[1]


def test_a_form_that_is_sent_again_draws_no_second_sample(rita, answers):
    form = rita.get(SAMPLE).context["form"]["form"].value()
    sent = {"n": 2, "seed": 5, "form": form}
    first, second = (rita.post(SAMPLE, sent).url for _ in range(2))
    assert (
        first == second == reverse("admin:predictor_sample_change", args=[Sample.objects.get().pk])
    )
    assert rita.post(SAMPLE, {**sent, "n": 1}).url != first
    assert [*Sample.objects.values_list("predictions__place", flat=True)].count(1) == 2


def test_a_sample_is_assigned_and_reviewed_twice_without_seeing_the_first(rita, otto, answers):
    chosen = {"way": "by_worth", "reviewers": [rita.user.pk], "twice": "on"}
    rita.post(SAMPLE, {"n": 3, "seed": 5, **chosen})
    sample = Sample.objects.get()
    assert (sample.by_worth, sample.by_price, sample.twice) == (True, False, True)
    assert {drawn.reviewer for drawn in sample.predictions.all()} == {rita.user}
    assert f"Assigned to you in sample {sample}: 3" in rita.get(reverse("admin:index")).text
    assert "Assigned to you" not in otto.get(reverse("admin:index")).text
    view = f"?_changelist_filters=sample%3D{sample.pk}"
    first = rita.get(NEXT + view, follow=True).context["original"]
    judge(rita, first, view, actual_price="2900", note="mine")
    page = otto.get(NEXT + view, follow=True)
    assert page.context["original"] == first
    assert "Yours is the second, independent review" in page.text
    assert "2900" not in page.text.split("<details>")[0]
    assert "mine" not in page.text
    judge(otto, first, view, actual_price="2901", state="disputed")
    assert (Review.objects.get().by, Review.objects.get().actual_price) == (rita.user, 2900)
    second = SecondReview.objects.get()
    assert (second.by, second.actual_price, second.state) == (otto.user, 2901, "disputed")
    assert "otto (second review)" in rita.get(page_of(first)).text
    text = rita.get(reverse("admin:predictor_sample_change", args=[sample.pk])).text
    assert "0 of 1 have the same status" in text
    assert "1 of 1 have actual prices within 1%" in text
    assert "rita: 1 reviewed, 3 assigned, 0 second reviews" in text


def test_a_sample_that_is_larger_than_the_view_is_refused(rita, answers):
    page = rita.post(SAMPLE, {"n": 4, "seed": 5})
    assert "Draw at most 3: there are no more." in page.text
    page = rita.post(SAMPLE, {"n": 10_001, "seed": 5})
    assert "Ensure this value is less than or equal to 10000." in page.text
    assert not Sample.objects.exists()


def test_a_sample_is_assigned_only_to_users_who_may_review(rita, someone, answers):
    auditor, admin = someone("auditor").user, someone("admin").user
    User.objects.filter(pk=admin.pk).update(is_superuser=True)
    auditor.user_permissions.add(Permission.objects.get(codename="view_prediction"))
    page = rita.post(SAMPLE, {"n": 2, "seed": 5, "reviewers": [auditor.pk]})
    assert "is not one of the available choices" in page.text
    rita.post(SAMPLE, {"n": 2, "seed": 5, "reviewers": [rita.user.pk, admin.pk]})
    drawn = Sample.objects.get().predictions.values_list("reviewer", flat=True)
    assert {*drawn} == {rita.user.pk, admin.pk}


def test_a_filter_is_kept_under_a_name_and_shared(rita, someone, answers):
    add = reverse("admin:predictor_savedview_add")
    page = rita.get(f"{add}?query=scheme__exact%3Dgraded%26older%3Dx")
    assert "scheme__exact=graded</textarea>" in page.text
    rita.post(add, {"name": "graded ones", "query": "scheme__exact=graded"})
    assert SavedView.objects.get().by == rita.user
    text = someone("otto", "reviewer").get(LIST).text
    assert '<a href="?scheme__exact=graded">graded ones</a>' in text


@pytest.mark.parametrize(
    ("query", "places"),
    [
        ("review=none", [1, 2]),
        ("review=checked", [0]),
        ("review=priced", [0]),
        ("review=disputed", []),
        ("review=x", []),
        ("risk=far", [0]),
        ("risk=x", []),
        ("warning=extrapolated", "extrapolated"),
        ("warning=x", []),
        ("sample=7", []),
        ("sample=x", []),
        ("refused=carat", "refused"),
        ("refused=depth", []),
    ],
)
def test_the_list_is_filtered_by_what_reviewers_look_for(rita, answers, refusal, query, places):
    judge(rita, answers[0], actual_price="9000")
    page = rita.get(f"{LIST}?{query}")
    assert page.status_code == 200
    found = {row.pk for row in page.context["cl"].result_list}
    if places == "extrapolated":
        assert found == {
            one.pk for one in answers if any(w["code"] == "extrapolated" for w in one.warnings)
        }
    elif places == "refused":
        assert found == {refusal.pk}
    else:
        assert found - {refusal.pk} == {answers[place].pk for place in places}


# Old predictions


def test_a_maintainer_deletes_old_predictions_by_a_job(someone, answers, worker):
    Prediction.objects.bulk_create(
        [
            Prediction(created=timezone.now() - timedelta(days=days), status=400, latency_ms=1)
            for days in (400, 366, 364)
        ]
    )
    max_ = someone("max", "maintainer")
    assert PRUNE in max_.get(LIST).text
    assert "This field is required." in max_.post(PRUNE, {"days": 365}).text
    max_.post(PRUNE, {"days": 365, "confirmed": "on"})
    assert LogEntry.objects.get().change_message == "prune"
    job = worker.one()
    assert (job.state, job.outcome, job.done) == ("done", "Predictions deleted: 2.", 2)
    assert Prediction.objects.filter(created__lt=timezone.now() - timedelta(days=1)).count() == 1


def test_a_reviewer_deletes_no_predictions(rita, answers):
    assert PRUNE not in rita.get(LIST).text
    assert rita.post(PRUNE, {"days": 1, "confirmed": "on"}).status_code == 403
    assert not Job.objects.exists()


# Export


@pytest.mark.parametrize("ending", ["csv", "jsonl", "parquet"])
def test_the_rows_of_a_filter_are_taken_away(rita, answers, refusal, ending):
    response = rita.get(f"{reverse('admin:prediction-export', args=[ending])}?status=200")
    content = b"".join(response.streaming_content)
    assert response.headers["Content-Disposition"].endswith(f'.{ending}"')
    if ending != "parquet":
        assert [content.count(str(row.pk).encode()) for row in answers] == [1, 1, 1]
        assert str(refusal.pk).encode() not in content
    assert LogEntry.objects.get().change_message == "export"


def test_no_other_kind_of_file(rita, answers):
    assert rita.get(reverse("admin:prediction-export", args=["xlsx"])).status_code == 404


# Permissions


READ = [
    LIST,
    reverse("admin:predictor_sample_changelist"),
    reverse("admin:predictor_savedview_changelist"),
]
JUDGES = [
    PRICES,
    SAMPLE,
    MARK,
    reverse("admin:prediction-next"),
    reverse("admin:prediction-export", args=["csv"]),
]


@pytest.mark.parametrize("group", ["reviewer", "maintainer"])
def test_both_roles_see_judge_and_export(someone, answers, group):
    member = someone("member", group)
    for address in [*READ, *JUDGES]:
        assert member.get(address).status_code in (200, 302), address
    judge(member, answers[0], actual_price="2900")
    assert Review.objects.exists()


def test_who_has_no_role_is_let_in_nowhere(someone, answers):
    stranger = someone("stranger")
    for address in [*READ, *JUDGES, page_of(answers[0])]:
        assert stranger.get(address).status_code == 403, address
    assert judge(stranger, answers[0]).status_code == 403
    assert not Review.objects.exists()


def test_who_may_only_read_does_not_judge(someone, roles, answers):
    from django.contrib.auth.models import Permission

    reader = someone("reader")
    reader.user.user_permissions.set(Permission.objects.filter(codename__startswith="view_"))
    text = reader.get(page_of(answers[0])).text
    assert '<h2 id="judging">' not in text
    for address in JUDGES:
        assert reader.get(address).status_code == 403, address
    assert judge(reader, answers[0]).status_code == 403


def test_a_reviewer_makes_nothing_live_and_nobody_may_change_a_record(someone, second):
    versions = reverse("admin:predictor_modelversion_changelist")
    chosen = {"action": "activate_version", "_selected_action": second.pk, "why": "because"}
    someone("rita2", "reviewer").post(versions, chosen)
    second.refresh_from_db()
    assert not second.activations.exists()
    maintainer = someone("max", "maintainer")
    maintainer.post(versions, chosen)
    assert second.activations.get().by == "max"
    for act in ("add", "change", "delete"):
        assert not maintainer.user.has_perm(f"predictor.{act}_prediction")
