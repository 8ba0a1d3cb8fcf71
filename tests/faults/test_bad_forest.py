"""A bad forest file, at the start or when activated, is refused and reported; the version before serves."""

import os
import shutil
import time
from pathlib import Path
from urllib.parse import urlencode

import pytest
from django.contrib.auth import get_user_model
from django.db import transaction
from django.test import Client as Browser

from ml.stones import EXAMPLES
from predictor.models import Activation, ModelVersion, Prediction
from predictor.versions.activation import activate
from predictor.versions.live import FRESH_SECONDS
from tests.waiting import wait_for

from .asking import ask
from .history import assert_replayed, assert_says
from .load import Load

pytestmark = pytest.mark.once

CODED, GRADED = EXAMPLES["coded"][0], EXAMPLES["graded"][0]


def deleted(path):
    path.unlink()


def altered(path):
    with path.open("r+b") as file:
        file.seek(path.stat().st_size // 3)
        [byte] = file.read(1)
        file.seek(-1, os.SEEK_CUR)
        file.write(bytes([byte ^ 16]))


def of_the_other_scheme(path):
    shutil.copy(path_of(version("graded", 1)), path)


DAMAGES = {
    deleted: "no such file",
    altered: "its sha256 is not the registered",
    of_the_other_scheme: "holds a graded forest, not a coded one",
}


def version(scheme, number):
    return ModelVersion.objects.get(scheme=scheme, number=number)


def path_of(version):
    return Path(version.artifact.path)


def spoil(version, damage):
    """Replaces a version's file by a damaged copy; returns a function that restores the original."""
    path = path_of(version)
    kept, spoilt = path.with_suffix(".kept"), path.with_suffix(".spoilt")
    path.rename(kept)
    shutil.copy(kept, spoilt)
    damage(spoilt)
    if spoilt.exists():
        spoilt.rename(path)
    return lambda: kept.rename(path)


def activate_unseen(version):
    """Activates a version without checking its file, like a machine on which the file is intact."""
    with transaction.atomic():
        Activation.objects.filter(scheme=version.scheme, live=True).update(live=False)
        Activation.objects.create(scheme=version.scheme, version=version, why="from elsewhere")


def assert_replayable(stone, answer):
    """The answer's row names the version that gives the same price again."""
    row = Prediction.objects.select_related("version").get(pk=answer["id"])
    assert row.features == stone
    assert_says(answer, row)
    assert_replayed(row)


def all_answer_with(server, number):
    """Whether eight answers, from any workers, are all of this version of the coded scheme."""
    replies = [ask(server, f"/api/predict?{urlencode(CODED)}") for _ in range(8)]
    if {reply.status for reply in replies} != {200}:
        return False
    for reply in replies:
        assert_replayable(CODED, reply.content)
    return {reply.content["model"]["version"] for reply in replies} == {number}


def all_ready(server):
    """Eight answers of /health/ready, from any workers; empty if one of them is not a 200."""
    replies = [ask(server, "/health/ready") for _ in range(8)]
    all_well = {reply.status for reply in replies} == {200}
    return [reply.content for reply in replies] if all_well else []


def assert_refused(server, why):
    """The health answer of every worker and the admin report version 2 as failed; version 1 serves."""

    def told():
        ready = all_ready(server)
        return ready and all(one["failed_forests"] for one in ready) and ready[0]["failed_forests"]

    failed = wait_for(told, server.log_text)
    assert failed.keys() == {"coded"}
    assert (failed["coded"]["version"], failed["coded"]["serving"]) == (2, 1)
    assert why in failed["coded"]["why"]
    assert str(path_of(version("coded", 2)).parent) not in failed["coded"]["why"]
    assert why in version("coded", 2).failure
    assert why in admin_page()
    assert all_answer_with(server, 1)


def admin_page():
    """The list of versions in the admin."""
    browser = Browser()
    browser.force_login(
        get_user_model().objects.get_or_create(username="anna", is_superuser=True, is_staff=True)[0]
    )
    return browser.get("/admin/predictor/modelversion/").content.decode()


def assert_taken_up(server):
    """Version 2 serves again without a restart, and no failure is reported."""

    def none_failed():
        ready = all_ready(server)
        return ready and not any(one["failed_forests"] for one in ready)

    wait_for(none_failed, server.log_text)
    wait_for(lambda: all_answer_with(server, 2), server.log_text)
    wait_for(lambda: version("coded", 2).failure == "")


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.__name__)
def test_a_bad_file_is_refused_at_the_start_and_on_a_swap_until_it_is_repaired(
    site, stones, damage
):
    first, second = version("coded", 1), version("coded", 2)
    activate(second, "tests", "newer")
    repair = spoil(second, damage)
    with site.server() as server, Load([server.port], stones, threads=2) as load:
        assert_refused(server, DAMAGES[damage])
        repair()
        assert_taken_up(server)
        activate(first, "tests", "back")
        wait_for(lambda: all_answer_with(server, 1), server.log_text)
        repair = spoil(second, damage)
        activate_unseen(second)
        assert_refused(server, DAMAGES[damage])
        repair()
        assert_taken_up(server)
        load.stop()
    assert load.failed() == []
    assert len(load.answers()) > 20


def times_told(server):
    """How often the log reports that version 2 could not be loaded."""
    return server.log_text().count("coded 2 could not be loaded")


def test_a_file_that_stays_bad_is_read_and_reported_once(site):
    activate(version("coded", 2), "tests", "newer")
    spoil(version("coded", 2), altered)
    with site.server() as server:
        assert_refused(server, "altered")
        wait_for(lambda: times_told(server) == len(server.workers()), server.log_text)
        time.sleep(3 * FRESH_SECONDS)  # time for three checks of the file by each worker
        assert times_told(server) == len(server.workers())


def test_where_no_version_can_be_loaded_the_scheme_is_unavailable_and_the_other_serves(site):
    activate(version("coded", 2), "tests", "newer")
    repairs = [spoil(version("coded", number), deleted) for number in (1, 2)]
    with site.server().begun() as server:
        wait_for(lambda: server.status_of("/health/ready") == 503, server.log_text)
        ready = ask(server, "/health/ready").content
        assert ready["missing_forests"] == ["coded"]
        assert ready["failed_forests"]["coded"]["serving"] is None
        coded = ask(server, f"/api/predict?{urlencode(CODED)}")
        assert (coded.status, coded.headers["Retry-After"]) == (503, "2")
        assert Prediction.objects.get().error == coded.content["detail"]
        graded = ask(server, f"/api/predict?{urlencode(GRADED)}")
        assert graded.status == 200
        assert_replayable(GRADED, graded.content)
        repairs[1]()
        wait_for(lambda: server.status_of("/health/ready") == 200, server.log_text)
        assert_taken_up(server)
