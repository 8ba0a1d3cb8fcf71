"""The list of the models' versions."""

import re

from predictor.models import Activation, ModelVersion

from .helpers import ENGLISH, page


def test_the_versions_are_listed_latest_first_with_their_scores(client, live_models, second):
    text = page(client.get("/models/", headers=ENGLISH))
    linked = re.findall(r'href="/models/(\w+)/(\d+)/"', text)
    versions = ModelVersion.objects.order_by("-created")
    assert linked == [(one.scheme, str(one.number)) for one in versions]
    assert text.count("✓ active") == 2
    for one in versions:
        assert f'<td class="figure">${one.scores["mae"]:,.0f}</td>' in text


def test_a_version_that_is_not_active_is_not_marked(client, live_models):
    Activation.objects.filter(scheme="coded").update(live=False)
    assert page(client.get("/models/", headers=ENGLISH)).count("✓ active") == 1


def test_without_versions_it_says_so(client, db):
    assert "No model has been trained yet." in page(client.get("/models/", headers=ENGLISH))


def test_the_pages_lead_to_it(client, live_models):
    assert 'href="/models/">The model</a>' in page(client.get("/", headers=ENGLISH))
