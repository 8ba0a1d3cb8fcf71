"""The monitoring page: alarms with day and segment, acknowledging them, the table of days, permissions."""

import re
from datetime import date, timedelta
from unittest.mock import Mock

import pytest
from django.contrib.admin.models import LogEntry
from django.urls import reverse
from django.utils import timezone

from ml.stones import EXAMPLES
from predictor.models import Alarm, Job, MonitoredDay
from predictor.monitoring.alarms import look
from predictor.versions.shadows import start

PAGE = reverse("admin:predictor_alarm_changelist")
LOOK = reverse("admin:monitoring-look")
pytestmark = pytest.mark.django_db


@pytest.fixture
def active(live_models):
    """An alarm for color J that has been active for three days."""
    return Alarm.objects.create(
        kind="inputs",
        version=live_models["graded"],
        active=True,
        evidence=5e6,
        observed=1234,
        began=date(2026, 11, 3),
        segments=[
            {"column": "color", "grade": "J", "now": 0.5, "before": 0.05},
            {"column": "price", "from": 5000.0, "to": None, "now": 0.4, "before": 0.1},
        ],
    )


def test_a_red_light_tells_since_when_where_and_leads_to_the_rows(member, active):
    text = member("reviewer").get(PAGE).text
    assert "Inputs changed, graded 1:" in text
    assert "The change began around Nov. 3, 2026." in text
    assert (
        '<a href="/admin/predictor/prediction/?created__range__gte_0=2026-11-03&amp;scheme__exact=graded'
        '&amp;color=J">Color: J</a>: 50.0%, before 5.0%' in text
    )
    assert "price__range__gte=5000.0" in text
    assert "Acknowledge" not in text


def test_the_days_are_a_table_and_the_same_as_charts(member, client, live_models, worker):
    client.get("/api/predict", EXAMPLES["graded"][0])
    client.get("/api/predict?carat=abc&volume=3&cut=1")
    maintainer = member("maintainer")
    assert "check of the alarms" in maintainer.post(LOOK, follow=True).text
    assert worker.one().outcome == "The alarms are up to date."
    page = maintainer.get(PAGE)
    [day] = MonitoredDay.objects.all()
    assert f'<th scope="row">{day.day}</th>' in page.text
    told = page.context["charts"]
    assert [(one["name"], one["values"]) for one in told["requests"]] == [
        ("form", [0]),
        ("API", [1]),
        ("batch", [0]),
        ("refused", [1]),
    ]
    assert len(told["latency"]) == 3
    assert "Carat weight: " in page.text


def test_a_maintainer_puts_a_light_out_with_a_reason(member, active):
    maintainer = member("maintainer")
    address = reverse("admin:monitoring-acknowledge", args=[active.pk])
    page = maintainer.post(address, {"why": " "}, follow=True)
    assert "Enter a reason" in page.text
    active.refresh_from_db()
    assert active.active
    page = maintainer.post(address, {"why": "a dealer's list"}, follow=True)
    active.refresh_from_db()
    assert (active.active, active.why, active.acknowledged_by) == (
        False,
        "a dealer's list",
        "a-maintainer",
    )
    assert "a dealer&#x27;s list" in page.text
    assert LogEntry.objects.get().change_message == "acknowledged: a dealer's list"


@pytest.mark.parametrize("group", [None, "reviewer"])
def test_who_may_not_does_not(member, active, group):
    someone = member(group)
    address = reverse("admin:monitoring-acknowledge", args=[active.pk])
    assert someone.post(address, {"why": "because"}).status_code == 403
    assert someone.post(LOOK).status_code == 403
    assert someone.get(PAGE).status_code == (200 if group else 403)
    active.refresh_from_db()
    assert active.active


def test_looking_and_putting_out_take_a_post(member, active):
    maintainer = member("maintainer")
    for address in (LOOK, reverse("admin:monitoring-acknowledge", args=[active.pk])):
        assert maintainer.get(address).status_code == 302
    active.refresh_from_db()
    assert active.active
    assert not MonitoredDay.objects.exists()


def test_the_start_page_sums_it_up_for_whoever_may_see_it(member, active):
    text = member("reviewer").get("/admin/").text
    assert "Overview" in text
    assert "<strong>alarm</strong>" in text
    assert "Overview" not in member().get("/admin/").text


def test_the_lights_are_metrics(client, active, settings):
    settings.METRICS_TOKEN = ""
    text = client.get("/metrics").text
    assert 'diamonds_alarm{alarm="inputs",scheme="graded"} 1.0' in text


def test_the_jobs_are_metrics(client, live_models, worker, settings):
    settings.METRICS_TOKEN = ""
    Job.objects.create(kind="monitor", created=timezone.now() - timedelta(hours=1))
    text = client.get("/metrics").text
    assert 'diamonds_jobs{state="queued"} 1.0' in text
    assert "diamonds_job_workers 0.0" in text
    [age] = re.findall(r"^diamonds_jobs_oldest_waiting_seconds (\S+)$", text, re.MULTILINE)
    assert 3600 <= float(age) < 3700


def test_a_shadow_is_a_metric(client, later, settings):
    settings.METRICS_TOKEN = ""
    assert "diamonds_shadow" not in client.get("/metrics").text
    start(later)
    text = client.get("/metrics").text
    assert 'diamonds_shadow_version{scheme="graded"} 2.0' in text
    assert 'diamonds_shadow_behind_seconds{scheme="graded"} 0.0' in text


def test_metrics_go_on_without_a_database(client, active, monkeypatch):
    from django.db import OperationalError

    monkeypatch.setattr("predictor.api.health.active_alarms", Mock(side_effect=OperationalError))
    text = client.get("/metrics").text
    assert "diamonds_requests" in text
    assert "diamonds_alarm" not in text


@pytest.mark.parametrize(
    ("segment", "shown"),
    [
        ({"column": "error", "now": 0.12, "before": 0.06}, "Errors grew (mean relative error)</a>"),
        (
            {"column": "place", "from": 50, "to": 60, "way": "nearer", "now": 0.8, "before": 0.1},
            "nearer to the answer</a>: 80.0% from 50 to 60%, registered 10.0%",
        ),
        (
            {"column": "clarity", "grade": "1", "now": 0.5, "before": 0.2},
            "Clarity: 1 (I1, SI2, SI1)",
        ),
    ],
)
def test_the_other_alarm_names_what_moved_in_words(member, live_models, segment, shown):
    Alarm.objects.create(
        kind="error",
        version=live_models["coded"],
        active=True,
        began=date(2026, 11, 3),
        segments=[segment],
    )
    text = member("reviewer").get(PAGE).text
    assert shown in text
    assert "The change shows in actual prices entered since around Nov. 3, 2026." in text
    assert "There are too few so far: it takes about 100 to notice that errors doubled." in text
    assert "review=priced&amp;scheme__exact=coded" in text


def test_the_error_to_expect_is_a_chart_and_a_table(member, client, live_models):
    client.get("/api/predict", EXAMPLES["graded"][0])
    look()
    page = member("reviewer").get(PAGE)
    [(version, [whole, day])] = page.context["errors"]
    assert version == live_models["graded"]
    assert (whole["day"], day["day"]) == (None, MonitoredDay.objects.get().day)
    assert day["actual"] == "–"
    assert f"<td>{day['expected']}</td>" in page.text
    names = [line["name"] for line in page.context["charts"]["error-graded"]]
    assert names == ["expected", "expected, from", "expected, to", "actual"]
