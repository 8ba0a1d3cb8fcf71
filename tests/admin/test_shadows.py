"""The page of a shadow: what both versions answer, the verdict, and the activation with its evidence."""

import numpy as np
import pytest
from django.contrib.admin.models import LogEntry
from django.urls import reverse
from django.utils import timezone

from ml.stones import EXAMPLES
from predictor.models import (
    Activation,
    Prediction,
    Review,
    Sample,
    SampledPrediction,
    Shadow,
    ShadowPrice,
)
from predictor.versions.activation import end_shadow, live_version
from predictor.versions.shadows import start

pytestmark = pytest.mark.django_db
LIST = reverse("admin:predictor_shadow_changelist")


def page_of(shadow):
    return reverse("admin:predictor_shadow_change", args=[shadow.pk])


def act(name, shadow):
    return reverse(f"admin:shadow-{name}", args=[shadow.pk])


@pytest.fixture
def shadow(later):
    return start(later, "maria")


@pytest.fixture
def compared(client, shadow):
    """Returns a function that records 40 answers, all 10 % over their actual prices, and prices by the
    shadow that are `error` over these."""

    def compare(error, count=40):
        rows = [
            Prediction.objects.get(
                pk=client.get(
                    "/api/predict", EXAMPLES["graded"][0] | {"carat": 0.5 + place / 1000}
                ).json()["id"]
            )
            for place in range(count)
        ]
        sample = Sample.objects.create(seed=1, population=count)
        for place, row in enumerate(rows):
            actual = row.price / 1.1
            Review.objects.create(prediction=row, actual_price=actual)
            SampledPrediction.objects.create(
                sample=sample, prediction=row, place=place, stands_for=1
            )
            price = actual * error
            ShadowPrice.objects.create(
                prediction=row,
                shadow=shadow,
                price=price,
                low=price * 0.9,
                high=price * 1.1,
                trained_on=False,
            )
        Shadow.objects.update(priced=count, reached=rows[-1].pk)
        return rows

    return compare


VERDICTS = [
    (1.0, "Better: the errors of graded 2 are smaller than those of graded 1."),
    (1.3, "Worse: the errors of graded 2 are larger than those of graded 1."),
    (
        1.1,
        "Undecided: the actual prices do not show yet whether graded 2 or graded 1 is better.",
    ),
]


@pytest.mark.parametrize(("error", "verdict"), VERDICTS)
def test_the_page_says_which_version_is_better(reviewer, shadow, compared, error, verdict):
    compared(error)
    text = reviewer.get(page_of(shadow)).text
    assert verdict in text
    assert "<dt>Actual prices used</dt><dd>40</dd>" in text
    assert "<dt>Mean error of graded 1, in log price</dt><dd>9.53%</dd>" in text
    own = f"{100 * abs(np.log(error)):.2f}%"
    assert f"<dt>Mean error of graded 2, in log price</dt><dd>{own}</dd>" in text


def test_the_page_shows_how_prices_differ(reviewer, shadow, compared):
    rows = compared(1.0)
    text = reviewer.get(page_of(shadow)).text
    assert "<dt>Requests priced</dt><dd>40</dd>" in text
    assert "<dt>Median change of the price</dt><dd>−9.1%</dd>" in text
    assert "<dt>Mean change of the price</dt><dd>−9.1%</dd>" in text
    assert text.count('aria-labelledby="changes-title') == 1
    links = [f"/prediction/{row.pk}/change/?against={shadow.version.pk}#why" for row in rows]
    assert sum(link in text for link in links) == 20
    assert "Largest part" not in text


def test_a_shadow_without_a_price_says_so(reviewer, shadow):
    text = reviewer.get(page_of(shadow)).text
    assert "No request has been priced yet." in text
    assert "Undecided" in text
    assert "<dt>Evidence that it is better</dt><dd>1.0</dd>" in text
    assert "No worker is running" in text


def test_the_list_links_to_the_pages(reviewer, shadow):
    assert page_of(shadow) in reviewer.get(LIST).text


def test_an_activation_has_the_evidence_in_its_reason(reviewer, shadow, compared):
    compared(1.0)
    page = reviewer.post(act("activate", shadow), {"note": "as planned"}, follow=True)
    assert "Graded 2 is active now; before: graded 1." in page.text
    why = Activation.objects.get(scheme="graded", live=True).why
    assert why.startswith(
        f"as planned; shadow since {timezone.localtime():%Y-%m-%d}: 40 requests, median change −9.1%; "
        "better by 40 actual prices (mean error 0.00% against 9.53% of graded 1, evidence for better "
    )
    assert why.endswith(", for worse 0.2, needed 200)")
    shadow.refresh_from_db()
    assert shadow.ended
    assert "End this shadow" not in reviewer.get(page_of(shadow)).text
    assert LogEntry.objects.get().change_message == f"activated: {why}"


def test_the_reason_without_a_price_says_that_there_is_none(reviewer, shadow):
    reviewer.post(act("activate", shadow))
    why = Activation.objects.get(scheme="graded", live=True).why
    assert why.endswith(": 0 requests, no price; undecided by 0 actual prices")


def test_a_shadow_is_ended(reviewer, shadow):
    reviewer.post(act("end", shadow))
    shadow.refresh_from_db()
    assert shadow.ended
    assert live_version("graded") == shadow.against
    assert LogEntry.objects.get().change_message == "ended"


@pytest.mark.parametrize("name", ["activate", "end"])
def test_an_ended_shadow_cannot_be_changed(reviewer, shadow, name):
    end_shadow("graded")
    page = reviewer.post(act(name, shadow), follow=True)
    assert "This shadow has ended." in page.text
    assert live_version("graded") == shadow.against


@pytest.mark.parametrize("name", ["activate", "end"])
def test_a_link_changes_nothing(reviewer, shadow, name):
    assert reviewer.get(act(name, shadow)).status_code == 302
    shadow.refresh_from_db()
    assert (shadow.ended, live_version("graded")) == (None, shadow.against)


@pytest.mark.parametrize(
    ("note", "message"),
    [
        ("x" * 1001, "Ensure this value has at most 1000 characters (it has 1001)."),
        ("a\0b", "Null characters are not allowed."),
    ],
)
def test_a_note_that_cannot_be_kept_is_refused(reviewer, shadow, note, message):
    page = reviewer.post(act("activate", shadow), {"note": note}, follow=True)
    assert message in page.text
    assert live_version("graded") == shadow.against


def test_only_maintainers_see_and_activate_shadows(member, shadow):
    maintainer, other = member("maintainer"), member("reviewer")
    assert maintainer.get(page_of(shadow)).status_code == 200
    assert other.get(page_of(shadow)).status_code == 404
    assert other.get(LIST).status_code == 403
    for name in ("activate", "end"):
        assert other.post(act(name, shadow)).status_code == 403
    assert maintainer.post(act("end", shadow)).status_code == 302
    assert maintainer.get(f"{LIST}abc/change/").status_code == 404


def test_the_page_needs_few_queries(reviewer, shadow, compared, django_assert_max_num_queries):
    compared(1.0)
    reviewer.get(page_of(shadow))
    with django_assert_max_num_queries(14):
        reviewer.get(page_of(shadow))
