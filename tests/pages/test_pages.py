"""The home page, its form, the languages, and the error pages."""

import re
from urllib.parse import parse_qs, urlsplit

import pytest
from django.test import Client

from ml.stones import BASIS, EXAMPLES, SCHEMES
from predictor.models import Prediction
from predictor.versions.live import registry

from .helpers import ENGLISH, POLISH, control, error_at, page, submit


@pytest.mark.parametrize("scheme", SCHEMES)
def test_a_valid_form_is_recorded_and_redirects_to_its_quote(client, live_models, scheme):
    response = submit(client, scheme)
    row = Prediction.objects.get()
    assert response.status_code == 302
    assert response.url == f"/quotes/{row.id}/"
    assert (row.source, row.scheme, row.status) == ("form", scheme, 200)
    assert row.version == live_models[scheme]
    assert row.features == EXAMPLES[scheme][0]
    assert "csrf" not in row.request


def test_the_signed_in_user_is_recorded_as_client(admin_client, live_models):
    submit(admin_client)
    assert Prediction.objects.get().client == "admin"


REFUSED = [
    ("carat", "abc", "“abc” is not a number: give a number from 0.05 to 30 ct."),
    ("carat", "", "Empty: give a number from 0.05 to 30 ct."),
    ("carat", "31", "“31” is out of bounds: give a number from 0.05 to 30 ct."),
    ("color", "", "Empty: give one of J, I, H, G, F, E, D."),
    ("carat", "1,000.5", "“1,000.5” is not a number: give a number from 0.05 to 30 ct."),
    ("carat", "0,7,", "“0,7,” is not a number: give a number from 0.05 to 30 ct."),
    ("x", "nan", "“nan” is not a finite number: give a number from 1 to 40 mm."),
    ("carat", "5", "5 ct is impossible: solid diamond of this size weighs 2.02 ct."),
]


@pytest.mark.parametrize(("name", "typed", "message"), REFUSED)
def test_an_invalid_form_says_why_at_the_field_and_is_recorded(
    client, live_models, name, typed, message
):
    response = submit(client, **{name: typed})
    row = Prediction.objects.get()
    assert response.status_code == 400
    assert error_at(response, name) == [message]
    assert 'aria-invalid="true"' in control(response, name)
    assert f'aria-describedby="id_{name}_helptext id_{name}_error"' in control(response, name)
    assert f'<a href="#id_{name}">' in page(response)
    assert (row.source, row.status, row.price, row.version) == ("form", 400, None, None)
    assert row.error == {name: [message]}


def test_an_invalid_form_keeps_what_was_typed(client, live_models):
    response = submit(client, carat="0,7 kg", depth=" 61,5 ", cut="Premium")
    text = page(response)
    assert 'value="0,7 kg"' in control(response, "carat")
    assert 'value=" 61,5 "' in control(response, "depth")
    assert '<option value="Premium" selected>' in text
    assert '<option value="VS1" selected>' in text


def test_a_form_of_the_wrong_vocabulary_says_what_each_scheme_needs(client, live_models):
    response = submit(client, cut="3")
    assert response.status_code == 400
    assert "This mixes the two schemes." in page(response)
    assert Prediction.objects.get().status == 400


@pytest.mark.parametrize("scheme", SCHEMES)
def test_home_has_the_form_of_each_scheme(client, live_models, scheme):
    response = client.get("/", {"scheme": scheme}, headers=ENGLISH)
    assert response.status_code == 200
    for name in SCHEMES[scheme]:
        assert f'<label for="id_{name}">' in page(response)
        assert f'aria-describedby="id_{name}_helptext"' in control(response, name)
    assert f'name="scheme" value="{scheme}"' in page(response)


def test_home_opens_with_the_grading_report(client, live_models):
    for address in ("/", "/?scheme=unknown"):
        assert 'name="scheme" value="graded"' in page(client.get(address))


def test_home_says_of_which_year_its_asking_prices_are(client, live_models):
    assert f"asking prices in US dollars of about {BASIS.year}" in page(
        client.get("/", headers=ENGLISH)
    )
    assert f"ceny ofertowe w dolarach amerykańskich z około {BASIS.year}" in page(
        client.get("/", headers=POLISH)
    )


def test_home_leaves_scores_hashes_and_programs_to_their_pages(client, live_models):
    text = page(client.get("/", headers=ENGLISH))
    assert 'href="/models/graded/1/"' in text
    for version in live_models.values():
        assert version.sha256[:12] not in text
        assert f"{version.scores['r2']:.4f}" not in text
    assert "/api/predict" not in text
    assert "scheme=coded" not in text


def test_the_coded_form_is_one_link_from_the_apis_page(client, live_models):
    assert 'href="/?scheme=coded">Try the coded grades in a form' in page(
        client.get("/api/docs", headers=ENGLISH)
    )


def test_the_filled_in_example_is_a_recorded_stone_and_can_be_submitted(client, live_models):
    text = page(client.get("/", headers=ENGLISH))
    address = re.search(r'<a href="([^"]*)">an example from the data</a>', text)[1]
    filled = parse_qs(urlsplit(address).query)
    response = client.post("/", {name: value for name, [value] in filled.items()})
    row = Prediction.objects.get()
    forest = registry.live("graded").forest
    recorded = forest.recorded_columns
    found = (recorded["carat"] == row.carat) & (recorded["x"] == row.x) & (recorded["z"] == row.z)
    assert response.url == row.get_absolute_url()
    assert found.any()


def test_home_without_a_live_model_says_so(client, db, fresh_registry):
    response = client.get("/", headers=ENGLISH)
    assert response.status_code == 200
    assert "No model is active for this format at the moment" in page(response)


def test_a_form_without_a_live_model_gets_a_page_that_says_when_to_try_again(
    client, db, fresh_registry
):
    response = submit(client)
    assert response.status_code == 503
    assert int(response["Retry-After"]) > 0
    assert "No price available right now" in page(response)
    assert "No model of this scheme is active." in page(response)
    assert Prediction.objects.get().status == 503


def test_the_language_switch_keeps_what_was_typed_into_an_invalid_form(client, live_models):
    invalid = submit(client, carat="abc")
    back = re.search(r'name="next" value="([^"]*)"', page(invalid))[1]
    form = client.get(back.removesuffix("#form"), headers=POLISH)
    assert 'value="abc"' in control(form, "carat")
    assert '<option value="Ideal" selected>' in page(form)


TYPED = {"carat": "0,7 ct", "cut": "Ideal", "x": "5,73"}


def switched(client, **sent):
    """The home page after one of its switches is used with these fields, and its address."""
    address = "/i18n/setlang/" if "language" in sent else "/"
    response = client.post(address, sent)
    assert response.status_code == 302
    client.cookies.pop("csrftoken", None)
    return client.get(response.url.removesuffix("#form"), headers=ENGLISH), response.url


@pytest.mark.parametrize("scheme", SCHEMES)
def test_the_language_switch_takes_along_what_was_typed(client, live_models, scheme):
    sent = {"scheme": scheme, "carat": "0,7 ct", "other-cut": "x", "next": "/", "language": "pl"}
    form, address = switched(client, **sent)
    assert address == f"/?scheme={scheme}&carat=0%2C7+ct&other-cut=x"
    assert '<html lang="pl">' in page(form)
    assert 'value="0,7 ct"' in control(form, "carat")
    assert not Prediction.objects.exists()


def test_the_tabs_take_along_what_was_typed_there_and_back(client, live_models):
    coded, address = switched(client, scheme="graded", tab="coded", **TYPED)
    assert address.endswith("#form")
    assert 'value="0,7 ct"' in control(coded, "carat")
    assert '<option value="0">' in page(coded)
    kept = {
        name: re.search(r'value="([^"]*)"', control(coded, f"other-{name}"))[1]
        for name in ("cut", "x")
    }
    assert kept == {"cut": "Ideal", "x": "5,73"}
    hidden = {f"other-{name}": value for name, value in kept.items()}
    graded, _ = switched(
        client, scheme="coded", tab="graded", carat="0,7 ct", cut="4", volume="60", **hidden
    )
    assert 'value="5,73"' in control(graded, "x")
    assert '<option value="Ideal" selected>' in page(graded)
    assert 'value="4"' in control(graded, "other-cut")
    assert not Prediction.objects.exists()


def test_what_was_typed_in_the_other_form_is_not_part_of_the_stone(client, live_models):
    response = submit(client, **{"other-cut": "3", "other-volume": "60"})
    assert response.status_code == 302
    assert "other" not in Prediction.objects.get().request


def test_the_languages_need_no_token_and_lead_nowhere_else():
    from django.test import Client

    strict = Client(enforce_csrf_checks=True)
    response = strict.post("/i18n/setlang/", {"language": "en", "next": "https://evil.example/"})
    assert (response.status_code, response.url) == (302, "/")
    assert response.cookies["django_language"].value == "en"


@pytest.mark.parametrize("method", ["put", "delete", "patch"])
def test_home_takes_no_other_method(client, db, method):
    assert getattr(client, method)("/").status_code == 405


def test_a_form_without_its_token_is_refused_by_a_page(live_models):
    response = submit(Client(enforce_csrf_checks=True))
    assert response.status_code == 403
    assert "The form has expired" in page(response)
    assert not Prediction.objects.exists()


def test_a_request_beyond_reading_is_refused_by_a_page(client, live_models):
    response = client.get("/", {f"a{number}": "" for number in range(1001)}, headers=ENGLISH)
    assert response.status_code == 400
    assert "The request could not be read" in page(response)
