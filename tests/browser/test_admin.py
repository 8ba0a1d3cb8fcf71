"""The admin at 1280 px: its lists show all their columns, whatever their content."""

import pytest
from axes.models import AccessAttempt, AccessFailureLog, AccessLog
from django.contrib import admin
from django.contrib.auth.models import Group, User
from django.urls import reverse
from rest_framework.authtoken.models import Token

from predictor.models import (
    Activation,
    Alarm,
    Job,
    ModelVersion,
    Outcome,
    Prediction,
    Review,
    SavedView,
    ScoringRun,
    Shadow,
)
from predictor.models.ids import uuid7
from predictor.review.sampling import draw

pytestmark = pytest.mark.browser
LAPTOP = {"width": 1280, "height": 800}
WIDE = "carat=2.71&cut=Very Good&color=F&clarity=VVS2&depth=61.5&table=56&x=8.9&y=8.95&z=5.5"
CODED = "carat=0.37&cut=3&color=0&clarity=2&depth=59.2&table=61.0&volume=60.063"
LONG_WORD = "A-very-long-word" * 9
AGENT = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Safari/537.36"
HIDDEN = """() => [document.documentElement, ...document.querySelectorAll("#content *")]
    .filter(node => node.scrollWidth > node.clientWidth
        && (node === document.documentElement || getComputedStyle(node).overflowX !== "visible")
        && getComputedStyle(node).clipPath === "none")
    .map(node => `${node.id || node.className}: ${node.scrollWidth} in ${node.clientWidth}`)"""
"""The visible elements that are wider than their space and are cut off or scroll."""
LINES = """node => {
    const range = document.createRange();
    range.selectNodeContents(node);
    return range.getClientRects().length;
}"""


@pytest.fixture
def signed_in(client, live_server, live_models):
    """The cookie of a signed-in user; every list has rows, with long words where people type text."""
    for query in (WIDE, CODED, "carat=abc"):
        client.get(f"/api/predict?{query}")
    for row in Prediction.objects.filter(status=200):
        row.latency_ms, row.price, row.high = 12345.678, 1_234_567, 2_000_000
        row.pk = uuid7()
        row.save(force_insert=True)
    ModelVersion.objects.update(
        created_by=LONG_WORD[:150], failure=f"host: {LONG_WORD}: {LONG_WORD}"
    )
    Activation.objects.update(by=LONG_WORD[:150], why=f"{LONG_WORD} {'because ' * 40}")
    user = User.objects.create_superuser(LONG_WORD[:150], f"{LONG_WORD[:60]}@example.org", "x")
    Group.objects.create(name=LONG_WORD)
    SavedView.objects.create(name=LONG_WORD[:100], query=f"client={LONG_WORD}", by=user)
    draw(Prediction.objects.all(), 2, seed=1, by=LONG_WORD[:150])
    arguments = {"ending": "csv", "query": f"client={LONG_WORD}"}
    Job.objects.create(kind="export", by=user, arguments=arguments, outcome=LONG_WORD, state="lost")
    ScoringRun.objects.create(
        scheme="graded",
        by=LONG_WORD[:150],
        input=f"s3://{LONG_WORD}/*.parquet",
        output=f"/{LONG_WORD}",
        rows=1_234_567_890,
        errors=1_234_567,
        warned=123_456_789,
        seconds=12_345.6,
    )
    review = Review(prediction=Prediction.objects.filter(status=200).first(), by=user)
    review.actual_price, review.state = 1_234_567, "disputed"
    review.save()
    Outcome.objects.create(prediction=review.prediction, amount=1_234_567, kind="paid", by=user)
    live = ModelVersion.objects.get(scheme="graded")
    Shadow.objects.create(
        scheme="graded",
        version=live,
        against=live,
        by=LONG_WORD[:150],
        reached=review.prediction_id,
        priced=1_234_567_890,
        failure=f"host: {LONG_WORD}: {LONG_WORD}",
    )
    Token.objects.create(user=user)
    tried = {
        "username": LONG_WORD,
        "ip_address": "2001:db8::8a2e:370:7334",
        "user_agent": AGENT,
        "path_info": "/admin/login/",
    }
    AccessAttempt.objects.create(failures_since_start=5, get_data="", post_data="", **tried)
    AccessFailureLog.objects.create(**tried)
    AccessLog.objects.create(**tried)
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return {
        "name": "sessionid",
        "value": client.cookies["sessionid"].value,
        "url": live_server.url,
    }


@pytest.mark.parametrize("language", ["en", "pl"])
def test_no_list_scrolls_sideways(site, signed_in, language):
    with site(language, viewport=LAPTOP) as tab:
        tab.context.add_cookies([signed_in])
        wide = []
        for model, model_admin in admin.site._registry.items():
            if model is Alarm:  # it has a page instead of a list
                continue
            name = f"{model._meta.app_label}_{model._meta.model_name}"
            assert tab.goto(reverse(f"admin:{name}_changelist")).status == 200
            tab.wait_for_load_state("networkidle")
            assert tab.locator("#result_list tbody tr").count() > 0, name
            columns = tab.locator("#result_list thead th:not(.action-checkbox-column)")
            assert columns.count() == len(model_admin.list_display), name
            wide += [f"{name}: {what}" for what in tab.evaluate(HIDDEN)]
        assert wide == []


def test_a_short_name_is_not_broken(site, signed_in):
    ScoringRun.objects.update(by="root")
    with site("en", viewport=LAPTOP) as tab:
        tab.context.add_cookies([signed_in])
        tab.goto(reverse("admin:predictor_scoringrun_changelist"))
        assert tab.locator("td.field-by").evaluate(LINES) == 1
