"""The program in docs/api.md runs against the served product."""

import re

import pytest
from django.conf import settings
from django.contrib.auth.models import Permission, User
from rest_framework.authtoken.models import Token

from predictor.models import IdempotencyKey, Outcome, Prediction

PAGE = settings.BASE_DIR / "docs/api.md"


@pytest.mark.django_db(transaction=True)
def test_the_program_prices_by_a_version_and_reports_the_sale(
    live_server, live_models, monkeypatch, capsys
):
    [code] = re.findall(
        r"## A complete program\n.+?```python\n(.+?)```", PAGE.read_text(), re.DOTALL
    )
    user = User.objects.create(username="shop")
    user.user_permissions.add(Permission.objects.get(codename="add_outcome"))
    monkeypatch.setenv("DIAMONDS_URL", live_server.url)
    monkeypatch.setenv("DIAMONDS_TOKEN", Token.objects.create(user=user).key)
    exec(compile(code, PAGE.name, "exec"), {})  # noqa: S102
    row, outcome = Prediction.objects.get(), Outcome.objects.get()
    assert capsys.readouterr().out == f"{row.predicted_price}\nwaiting\n"
    assert (row.version, row.client) == (live_models["graded"], "shop")
    assert (outcome.prediction, outcome.amount, outcome.by) == (row, 2750, user)
    assert IdempotencyKey.objects.count() == 1
