"""Every text sent to the admin has a maximum length: that of its field, and one that is checked
before a form reads it."""

from datetime import date

import pytest
from axes.models import AccessAttempt
from django import forms
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from ml.stones import LONGEST
from predictor.admin.limits import TEXT
from predictor.models import Activation, Alarm, Review, Sample, SavedView
from predictor.models.reviews import LONGEST_NOTE, LONGEST_QUERY, LONGEST_SOURCE

VIEW = reverse("admin:predictor_savedview_add")
NOTE = {"state": "checked", "note": "n"}
pytestmark = pytest.mark.django_db


@pytest.fixture
def alarm(live_models):
    return Alarm.objects.create(
        kind="inputs", version=live_models["graded"], active=True, evidence=5, observed=9,
        began=date(2026, 11, 3), segments=[],
    )  # fmt: skip


@pytest.fixture
def addresses(answers, alarm):
    """The address that each form of the admin is sent to."""
    return {
        "judge": reverse("admin:prediction-judge", args=[answers[0].pk]),
        "mark": reverse("admin:prediction-mark"),
        "sample": reverse("admin:prediction-sample"),
        "prices": reverse("admin:prediction-prices"),
        "view": VIEW,
        "activate": reverse("admin:predictor_modelversion_changelist"),
        "acknowledge": reverse("admin:monitoring-acknowledge", args=[alarm.pk]),
        "retrain": reverse("admin:job-retrain"),
        "log in": reverse("admin:login"),
        "token": reverse("admin:authtoken_tokenproxy_add"),
        "user": reverse("admin:auth_user_add"),
        "group": reverse("admin:auth_group_add"),
        "password": reverse("admin:password_change"),
    }


def own_forms(kind=forms.BaseForm):
    for found in kind.__subclasses__():
        if found.__module__.startswith("predictor.admin"):
            yield found
        yield from own_forms(found)


def test_each_text_of_a_form_of_ours_has_a_length(rf, admin_user):
    request = rf.get("/")
    request.user = admin_user
    of_models = [
        model_admin.get_form(request)
        for model, model_admin in admin.site._registry.items()
        if model_admin.has_add_permission(request)
    ]
    fields = [
        (form.__name__, name, field.max_length)
        for form in {*own_forms(), *of_models}
        for name, field in form.base_fields.items()
        if type(field) is forms.CharField and not name.startswith("password")
    ]
    assert {(form, name) for form, name, _most in fields} >= {
        ("JudgeForm", "actual_price"),
        ("JudgeForm", "note"),
        ("WhyForm", "why"),
        ("SavedViewForm", "query"),
    }
    assert [field for field in fields if not (field[2] and field[2] <= TEXT)] == []


@pytest.mark.parametrize(
    ("form", "sent", "field", "most", "stored"),
    [
        ("judge", {"state": "checked"}, "actual_price", LONGEST, Review),
        ("judge", {"state": "checked"}, "source", LONGEST_SOURCE, Review),
        ("judge", {"state": "checked"}, "note", LONGEST_NOTE, Review),
        ("mark", {"state": "checked"}, "note", LONGEST_NOTE, Review),
        ("view", {"query": ""}, "name", 100, SavedView),
        ("view", {"name": "mine"}, "query", LONGEST_QUERY, SavedView),
    ],
)
def test_a_text_over_its_length_is_refused_and_one_of_it_is_stored(
    reviewer, addresses, form, sent, field, most, stored
):
    page = reviewer.post(addresses[form], {**sent, field: "7" * (most + 1)}, follow=True)
    message = f"Ensure this value has at most {most} characters (it has {most + 1})."
    assert message in page.text
    assert not stored.objects.exists()
    if field == "actual_price":
        return  # no price has this many digits
    reviewer.post(addresses[form], {**sent, field: "7" * most})
    assert {getattr(row, field) for row in stored.objects.all()} == {"7" * most}


def test_a_reason_to_activate_over_its_length_is_refused(reviewer, addresses, live_models):
    sent = {"action": "activate_version", "_selected_action": live_models["coded"].pk}
    Activation.objects.filter(scheme="coded").update(live=False)
    before = Activation.objects.count()
    page = reviewer.post(addresses["activate"], {**sent, "why": "w" * 1001})
    assert "Ensure this value has at most 1000 characters (it has 1001)." in page.text
    assert Activation.objects.count() == before
    reviewer.post(addresses["activate"], {**sent, "why": "w" * 1000})
    assert Activation.objects.get(scheme="coded", live=True).why == "w" * 1000


def test_a_reason_to_acknowledge_over_its_length_is_refused(reviewer, addresses, alarm):
    page = reviewer.post(addresses["acknowledge"], {"why": "w" * 1001}, follow=True)
    assert "Enter a reason of at most 1,000 characters." in page.text
    alarm.refresh_from_db()
    assert (alarm.active, alarm.why) == (True, "")
    reviewer.post(addresses["acknowledge"], {"why": "w" * 1000})
    alarm.refresh_from_db()
    assert (alarm.active, alarm.why) == (False, "w" * 1000)


def test_a_note_in_a_price_file_over_its_length_is_refused(reviewer, addresses, answers):
    content = f"id,price,note\n{answers[0].pk},{answers[0].price:.0f},{'n' * 1001}\n"
    page = reviewer.post(
        addresses["prices"], {"file": SimpleUploadedFile("a.csv", content.encode())}
    )
    assert "Longer than 1000 characters." in page.text
    assert not Review.objects.exists()


@pytest.mark.parametrize(
    "form",
    [
        "judge", "mark", "sample", "prices", "view", "activate", "acknowledge", "retrain",
        "log in", "token", "user", "group", "password",
    ],
)  # fmt: skip
@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("en", "A text that was sent is longer than 10,000 characters. Shorten it."),
        ("pl", "Przesłany tekst ma ponad 10\xa0000 znaków. Skróć go."),
    ],
)
def test_no_form_reads_a_text_of_more_than_ten_thousand_characters(
    reviewer, addresses, form, language, said
):
    headers = {"accept-language": language}
    for sent in ("x" * 10_001, " " * 2_000_000):
        page = reviewer.post(addresses[form], {"username": sent}, headers=headers)
        assert (page.status_code, said in page.text) == (400, True)
    assert reviewer.post(addresses[form], {"other": "x" * 10_000}).status_code != 400
    assert not any(model.objects.exists() for model in (Review, SavedView, Sample, LogEntry))


def test_an_address_is_held_to_it_too(reviewer):
    address = reverse("admin:predictor_prediction_changelist")
    assert reviewer.get(address, {"client": "x" * 10_001}).status_code == 400


@pytest.mark.parametrize("name", ["u" * 151, "u" * 300, "\ufb01" * 9_000])
def test_a_name_that_no_user_can_have_is_refused_before_it_is_looked_up(client, name):
    page = client.post(
        reverse("admin:login"),
        {"username": name, "password": "p" * 9_000},
        headers={"accept-language": "en"},
    )
    assert page.status_code == 200
    assert f"at most 150 characters (it has {len(name):d})" in page.text
    assert not AccessAttempt.objects.exists()
