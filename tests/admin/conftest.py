"""Fixtures of the admin tests: predictions, users and groups."""

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
    ("0015_who_may_see_scoring", "give"),
    ("0018_names", "give"),
    ("0020_review_lock_since", "give"),
    ("0023_retrainings_as_jobs", "give"),
    ("0030_outcomes", "give"),
    ("0033_shadows", "give"),
)
"""The migrations that create the groups, and the name of the function that does it in each."""


@pytest.fixture
def answers(answers, client):
    """The three graded answers of tests/conftest.py, and a refused request."""
    client.get("/api/predict?carat=abc&volume=3&cut=1")
    return answers


@pytest.fixture
def reviewer(admin_client):
    """A client signed in as a superuser, in English."""
    admin_client.defaults["HTTP_ACCEPT_LANGUAGE"] = "en"
    return admin_client


@pytest.fixture
def roles(db):
    """Creates the groups as their migrations do, if a test that empties the database deleted them."""
    if Group.objects.filter(name="maintainer").exists():
        return
    for name, act in GIVEN:
        migration = importlib.import_module(f"predictor.migrations.{name}")
        getattr(migration, act)(apps, SimpleNamespace(connection=connection))


@pytest.fixture
def someone(roles):
    """Returns a function that creates a user, in a group or in none, and returns their signed-in client."""

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
    """Returns a function that creates a member of a group, or of none, and returns their signed-in
    client."""
    return lambda group=None: someone(f"a-{group}", group)


@pytest.fixture
def planned(db):
    """Makes the database plan as for a long history, although the test's table is nearly empty."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL enable_seqscan = off")
            cursor.execute("SET LOCAL enable_bitmapscan = off")
