"""The manifests are valid for Kubernetes and agree with each other and with the settings."""

import re

import kubernetes_validate
import pytest
import yaml
from django.conf import settings

FOLDER = settings.BASE_DIR / "deploy" / "kubernetes"
VERSION = "1.31"
SEALS = FOLDER / "seals"
MANIFESTS = {
    f"{path.name} {number}": manifest
    for path in [*sorted(FOLDER.glob("*.yaml")), SEALS / "seals.yaml"]
    for number, manifest in enumerate(yaml.safe_load_all(path.read_text()))
    if path.name != "kustomization.yaml"
}


def of_kind(kind):
    return [one for one in MANIFESTS.values() if one["kind"] == kind]


def pod_of(manifest):
    """The pod specification of a resource that creates pods; None for any other."""
    template = manifest.get("spec", {}).get("jobTemplate", manifest).get("spec", {}).get("template")
    return template and template["spec"]


def pods():
    """The pod specifications, by the name of the resource that creates the pods."""
    return {one["metadata"]["name"]: pod for one in MANIFESTS.values() if (pod := pod_of(one))}


@pytest.mark.parametrize("name", MANIFESTS)
def test_a_manifest_conforms_to_the_schema_of_its_kind(name):
    kubernetes_validate.validate(MANIFESTS[name], VERSION, strict=True)


def test_kustomization_names_what_is_there():
    text = (FOLDER / "kustomization.yaml").read_text()
    there = {path.name for path in FOLDER.glob("*.yaml")} - {"kustomization.yaml"}
    assert {*yaml.safe_load(text)["resources"]} == there
    assert "envs: [settings.env]" in text
    assert "envs: [secret.env]" in text


def test_who_seals_and_who_deletes_share_the_folder_of_the_seals():
    component = yaml.safe_load((SEALS / "kustomization.yaml").read_text())
    assert component["kind"] == "Component"
    patches = [yaml.safe_load((SEALS / one["path"]).read_text()) for one in component["patches"]]
    assert {one["metadata"]["name"] for one in patches} == {"diamonds-prune", "diamonds-worker"}
    [claim] = of_kind("PersistentVolumeClaim")
    volume = {"persistentVolumeClaim": {"claimName": claim["metadata"]["name"]}, "name": "seals"}
    for pod in (pods()["diamonds-seal"], *(pod_of(one) for one in patches)):
        [container] = pod["containers"]
        assert container["env"] == [{"name": "SEALS_DIR", "value": "/var/lib/seals"}]
        assert {"name": "seals", "mountPath": "/var/lib/seals"} in container["volumeMounts"]
        assert volume in pod["volumes"]
    patched = {one["metadata"]["name"]: pod_of(one)["containers"][0]["name"] for one in patches}
    for name, container in patched.items():
        assert [one["name"] for one in pods()[name]["containers"]] == [container]


def test_no_resource_changes_in_a_way_that_an_upgrade_cannot_apply():
    """The template of a Job is immutable, so a new image in one fails."""
    assert not of_kind("Job")
    [prepare] = pods()["diamonds-web"]["initContainers"]
    [web] = pods()["diamonds-web"]["containers"]
    assert prepare["command"] == ["python", "manage.py", "quickstart", "--", "true"]
    for name in ("image", "envFrom", "securityContext", "volumeMounts"):
        assert prepare[name] == web[name]


def test_the_probes_ask_what_answers_under_any_host(db, client):
    [container] = pods()["diamonds-web"]["containers"]
    for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
        path = container[probe]["httpGet"]["path"]
        assert client.get(path, headers={"host": "10.1.2.3:5010"}).status_code in (200, 503)
        assert container[probe]["httpGet"]["port"] == "http"
    assert container["ports"] == [{"name": "http", "containerPort": settings.PORT}]


def test_selectors_find_their_pods():
    labels = {
        one["metadata"]["name"]: one["spec"]["template"]["metadata"]["labels"]
        for one in of_kind("Deployment")
    }
    for one in of_kind("Deployment"):
        assert one["spec"]["selector"]["matchLabels"] == labels[one["metadata"]["name"]]
    for one in [*of_kind("Service"), *of_kind("PodDisruptionBudget")]:
        selector = one["spec"]["selector"]
        assert selector.get("matchLabels", selector) == labels["diamonds-web"]
    [scaler] = of_kind("HorizontalPodAutoscaler")
    assert scaler["spec"]["scaleTargetRef"]["name"] == "diamonds-web"
    [scaled] = [one for one in of_kind("Deployment") if one["metadata"]["name"] == "diamonds-web"]
    assert "replicas" not in scaled["spec"]


@pytest.mark.parametrize("name", pods())
def test_a_pod_may_only_write_where_the_service_writes(name):
    [container] = pods()[name]["containers"]
    assert container["securityContext"]["readOnlyRootFilesystem"]
    assert pods()[name]["securityContext"]["runAsNonRoot"]
    mounts = container["volumeMounts"]
    written = {mount["mountPath"] for mount in mounts if not mount.get("readOnly")}
    image = (settings.BASE_DIR / "Dockerfile").read_text()
    written -= {setting["value"] for setting in container.get("env", [])}
    assert written == {re.search(r"VAR_DIR=(/var\S+)", image)[1], "/tmp", "/dev/shm"}
    assert {mount["name"] for mount in mounts} == {
        volume["name"] for volume in pods()[name]["volumes"]
    }


def test_every_variable_is_a_setting_or_the_stores():
    known = (settings.BASE_DIR / "docs" / "operations.md").read_text()
    for file in ("settings.env", "secret.example.env"):
        for name in re.findall(r"^(\w+)=", (FOLDER / file).read_text(), re.M):
            assert f"`{name}`" in known or name.startswith("AWS_"), name


@pytest.mark.parametrize("name", pods())
def test_a_pods_command_is_one(name):
    from django.core.management import load_command_class

    [container] = pods()[name]["containers"]
    command = container["command"]
    assert command[:2] == ["python", "manage.py"]
    parser = load_command_class("predictor", command[2]).create_parser("manage.py", command[2])
    parser.parse_args(command[3:])
