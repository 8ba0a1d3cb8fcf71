"""What the desk's tests share: who looks at it."""

import importlib
from types import SimpleNamespace

import pytest
from django.apps import apps
from django.contrib.auth.models import Group, User
from django.db import connection
from django.test import Client

GIVEN = (
    ("0007_roles", "make"),
    ("0010_who_may_monitor", "give"),
    ("0012_who_may_retrain", "give"),
    ("0015_who_may_see_scoring", "give"),
    ("0018_names", "give"),
)
"""The migrations that make the groups, and what each calls it."""


@pytest.fixture
def answers(answers, client):
    """Those of all tests, and a refusal."""
    client.get("/api/predict?carat=abc&volume=3&cut=1")
    return answers


@pytest.fixture
def reviewer(admin_client):
    """A client of a user who may do everything, and reads English."""
    admin_client.defaults["HTTP_ACCEPT_LANGUAGE"] = "en"
    return admin_client


@pytest.fixture
def roles(db):
    """The groups as their migrations make them: a test that empties the database takes them along."""
    for name, act in GIVEN:
        migration = importlib.import_module(f"predictor.migrations.{name}")
        getattr(migration, act)(apps, SimpleNamespace(connection=connection))


@pytest.fixture
def someone(roles):
    """A function: a client of a new user, of a group or of none, who reads English."""

    def made(name, group=None):
        user = User.objects.create_user(name, password=name, is_staff=True)
        if group:
            user.groups.add(Group.objects.get(name=group))
        client = Client(headers={"accept-language": "en"})
        client.force_login(user)
        client.user = user
        return client

    return made


@pytest.fixture
def member(someone):
    """A function: a client of a new member of a group, or of none."""
    return lambda group=None: someone(f"a-{group}", group)
