"""The predictions and the model versions in the admin: lists, filters, read-only pages, activation."""

import pytest
from django.urls import reverse

from predictor.models import Activation, ModelVersion, Prediction
from predictor.versions.activation import live_version

pytestmark = pytest.mark.django_db
GRADED = "carat=0.7&cut=Ideal&color=G&clarity=VS1&depth=61.5&table=56.0&x=5.73&y=5.7&z=3.51"
CODED = "carat=0.37&cut=3&color=0&clarity=2&depth=59.2&table=61.0&volume=60.063"
LIST = reverse("admin:predictor_prediction_changelist")
VERSIONS = reverse("admin:predictor_modelversion_changelist")


@pytest.fixture
def logged(client, live_models):
    """A graded answer, a coded answer and a refused request."""
    client.get(f"/api/predict?{GRADED}")
    client.get(f"/api/predict?{CODED}")
    client.get("/api/predict?carat=abc&volume=3")
    refused, coded, graded = Prediction.objects.all()
    return {"refused": refused, "coded": coded, "graded": graded}


def shown(response):
    """The predictions on a page of the list."""
    return {row.pk for row in response.context["cl"].result_list}


def test_the_list_shows_answers_and_refusals_newest_first(reviewer, logged):
    page = reviewer.get(LIST)
    rows = [row.pk for row in page.context["cl"].result_list]
    assert rows == [logged[name].pk for name in ("refused", "coded", "graded")]
    assert "0.70\xa0ct Ideal,\xa0G,\xa0VS1" in page.text
    assert f"{logged['graded'].predicted_price:,}" in page.text


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("scheme__exact=graded", {"graded"}),
        ("status=400", {"refused"}),
        ("source__exact=api", {"graded", "coded", "refused"}),
        ("source__exact=form", set()),
        ("cut=Ideal", {"graded"}),
        ("cut=3", {"coded"}),
        ("carat__range__gte=0.5", {"graded"}),
        ("price__range__gte=1&price__range__lte=100000", {"graded", "coded"}),
        ("created__range__lte_0=2020-01-01&created__range__lte_1=00:00:00", set()),
        ("client=anna", set()),
        ("client=", {"graded", "coded", "refused"}),
        ("client=%00", set()),
    ],
)
def test_the_list_can_be_filtered(reviewer, logged, query, names):
    page = reviewer.get(f"{LIST}?{query}")
    assert page.status_code == 200
    assert shown(page) == {logged[name].pk for name in names}


def test_a_prediction_is_found_by_its_id(reviewer, logged):
    assert shown(reviewer.get(f"{LIST}?q={logged['coded'].pk}")) == {logged["coded"].pk}
    assert shown(reviewer.get(f"{LIST}?q=not-an-id")) == set()


def test_the_list_takes_no_query_a_row_and_no_full_count(
    reviewer, client, logged, django_assert_max_num_queries
):
    for _ in range(20):
        client.get(f"/api/predict?{GRADED}")
    with django_assert_max_num_queries(12) as captured:
        reviewer.get(LIST)
    counts = [query["sql"] for query in captured if "COUNT" in query["sql"]]
    assert all("LIMIT" in sql for sql in counts if "predictor_prediction" in sql)


def test_the_detail_shows_request_and_response_as_indented_json(reviewer, logged):
    page = reviewer.get(reverse("admin:predictor_prediction_change", args=[logged["graded"].pk]))
    assert "&quot;carat&quot;: &quot;0.7&quot;," in page.text
    assert f"&quot;predicted_price&quot;: {logged['graded'].predicted_price}," in page.text
    assert logged["graded"].get_absolute_url() in page.text


def test_the_detail_of_a_refusal_shows_the_error(reviewer, logged):
    page = reviewer.get(reverse("admin:predictor_prediction_change", args=[logged["refused"].pk]))
    assert "is not a number" in page.text


@pytest.mark.parametrize("model", ["prediction", "modelversion", "activation"])
def test_nothing_can_be_added_changed_or_deleted(reviewer, logged, model):
    row = {"prediction": Prediction, "modelversion": ModelVersion, "activation": Activation}[model]
    pk = row.objects.first().pk
    assert reviewer.get(reverse(f"admin:predictor_{model}_add")).status_code == 403
    assert reviewer.get(reverse(f"admin:predictor_{model}_delete", args=[pk])).status_code == 403
    page = reverse(f"admin:predictor_{model}_change", args=[pk])
    assert reviewer.get(page).status_code == 200
    assert reviewer.post(page, {}).status_code == 403


def act(reviewer, version, **more):
    return reviewer.post(
        VERSIONS, {"action": "activate_version", "_selected_action": version.pk, **more}
    )


def test_making_a_version_live_asks_why_first(reviewer, second):
    page = act(reviewer, second)
    assert page.status_code == 200
    assert "Why?" in page.text
    assert live_version("coded").number == 1


def test_a_blank_reason_is_refused(reviewer, second):
    assert "This field is required." in act(reviewer, second, why="   ").text
    assert live_version("coded").number == 1


def test_a_version_is_made_live_with_its_reason(reviewer, second):
    act(reviewer, second, why="better on large stones")
    activation = Activation.objects.get(scheme="coded", live=True)
    assert activation.version == second
    assert activation.replaced.number == 1
    assert activation.by == "admin"
    assert activation.why == "better on large stones"


def test_a_version_whose_file_is_spoilt_is_not_made_live(reviewer, second):
    with open(second.artifact.path, "r+b") as file:  # noqa: PTH123
        file.write(b"spoilt")
    page = reviewer.get(act(reviewer, second, why="try it").url)
    assert "altered" in page.text
    assert live_version("coded").number == 1


def test_the_live_version_is_not_made_live_again(reviewer, live_models):
    page = reviewer.get(act(reviewer, live_models["coded"], why="once more").url)
    assert "Nothing has changed: coded 1 is already active." in page.text
    assert Activation.objects.count() == 2


def test_a_version_leads_to_its_model_card(reviewer, live_models):
    version = live_models["graded"]
    page = reviewer.get(reverse("admin:predictor_modelversion_change", args=[version.pk]))
    assert '<a href="/models/graded/1/">' in page.text


def test_two_versions_at_once_are_refused(reviewer, live_models):
    data = {"action": "activate_version", "_selected_action": [v.pk for v in live_models.values()]}
    page = reviewer.get(reviewer.post(VERSIONS, data).url)
    assert "Choose one version." in page.text


def test_a_reviewer_without_the_permission_is_not_offered_the_action(client, live_models):
    from django.contrib.auth.models import Permission, User

    user = User.objects.create_user("reader", password="reader", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__startswith="view_"))
    client.force_login(user)
    assert client.get(VERSIONS).status_code == 200
    act(client, live_models["coded"], why="because")
    assert Activation.objects.count() == 2


@pytest.mark.parametrize("language", ["pl", "en"])
@pytest.mark.parametrize("model", ["prediction", "modelversion", "activation"])
def test_the_lists_are_shown_in_both_languages(reviewer, logged, model, language):
    page = reverse(f"admin:predictor_{model}_changelist")
    assert reviewer.get(page, headers={"accept-language": language}).status_code == 200
