"""compose.yaml is consistent. Running it needs a Docker engine, so it is not tested here."""

import re

import pytest
import yaml
from django.conf import settings

TEXT = (settings.BASE_DIR / "compose.yaml").read_text()
DOCKERFILE = (settings.BASE_DIR / "Dockerfile").read_text()
COMPOSE = yaml.safe_load(TEXT)
SERVICES = COMPOSE["services"]
REPLICAS = {name for name, one in SERVICES.items() if one.get("profiles") == ["replicas"]}


def needed(name):
    """A service and all services that it depends on."""
    return {name}.union(*(needed(other) for other in SERVICES[name].get("depends_on", ())))


def test_the_plain_service_needs_nothing_of_the_profile():
    assert needed("proxy") == {"proxy", "web", "db"}
    assert not needed("proxy") & REPLICAS


def test_the_profile_has_three_replicas_a_store_and_a_cluster():
    assert needed("balancer") == {"balancer", "replica", "db", "bucket", "store"}
    assert needed("dask-worker") == {"dask-worker", "dask-scheduler", "bucket", "store"}
    assert needed("balancer") | needed("dask-worker") == REPLICAS | {"db"}
    assert SERVICES["replica"]["deploy"]["replicas"] == 3


def test_the_replicas_share_their_keys_in_a_folder_that_the_image_makes():
    [volume] = SERVICES["replica"]["volumes"]
    name, _, folder = volume.partition(":")
    assert SERVICES["replica"]["environment"]["RECEIPT_KEYS_FILE"] == f"{folder}/receipt_keys.json"
    assert name in COMPOSE["volumes"]
    assert f"install -d -o diamonds -g root -m 2770 {folder}" in DOCKERFILE


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_waits_for_what_says_when_it_is_there(name):
    for other, how in SERVICES[name].get("depends_on", {}).items():
        service = SERVICES[other]
        own = "build" in service and service.get("healthcheck") != {"disable": True}
        if how["condition"] == "service_healthy":
            assert own or service["healthcheck"]["test"], other
        else:
            assert how["condition"] == "service_completed_successfully"
            assert "restart" not in service, other


@pytest.mark.parametrize("name", sorted(name for name in SERVICES if "build" in SERVICES[name]))
def test_what_is_built_has_its_packages(name):
    given = SERVICES[name]["build"]["args"]["REQUIREMENTS"]
    default = re.search(r"^ARG REQUIREMENTS=(\S+)$", DOCKERFILE, re.M)[1]
    assert given == (
        "requirements-cluster.txt" if name in REPLICAS else f"${{REQUIREMENTS:-{default}}}"
    )


def test_every_variable_is_a_setting():
    known = (settings.BASE_DIR / "docs" / "operations.md").read_text()
    named = {name for one in SERVICES.values() for name in one.get("environment", {})}
    own = {"POSTGRES_USER", "POSTGRES_DB", "POSTGRES_PASSWORD", "PYTHONPATH"}
    for name in named - own:
        assert f"`{name}`" in known or name.startswith("AWS_"), name
    asked = set(re.findall(r"\$\{(\w+)", TEXT))
    assert asked - named == {"STORE_KEY", "REQUIREMENTS"}


def test_the_service_gets_every_setting_but_those_of_the_image():
    text = (settings.BASE_DIR / "diamondsite" / "settings.py").read_text()
    read = set(re.findall(r'env\.\w+\(\s*"([A-Z_]+)"', text))
    of_the_image = {"VAR_DIR", "BAKED_DIR", "HOST", "PORT", "WITH_WORKER", "DEBUG", "SEALS_DIR"}
    not_there = {"ACCEL_REDIRECT", "FOREST_STORE", "RECEIPT_KEYS_FILE", "OTEL_TRACES_EXPORTER"}
    assert read - set(SERVICES["web"]["environment"]) == of_the_image | not_there


def test_the_replicas_have_the_name_that_the_proxy_asks_for():
    assert SERVICES["replica"]["networks"]["replicas"]["aliases"] == ["web"]
    assert "set $service web:5010;" in (settings.BASE_DIR / "deploy" / "nginx.conf").read_text()
    assert list(SERVICES["balancer"]["networks"]) == ["replicas"]
    assert "networks" not in SERVICES["web"]
