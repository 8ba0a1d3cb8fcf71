"""Secrets in the addresses of a run are used, but neither stored nor shown."""

import importlib
import json
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import pytest
from django.apps import apps
from django.core.management.base import CommandError
from django.urls import reverse

from predictor.models import ScoringRun

from .conftest import score

pytestmark = pytest.mark.django_db
SECRETS = "ada:hush@", "X-Amz-Credential=AKIA1&X-Amz-Signature=2f00"


@pytest.fixture
def host(tmp_path):
    """(host and port of a server of the files in tmp_path, the requests it received)."""
    asked = []

    class Handler(SimpleHTTPRequestHandler):
        def log_message(self, *_):
            asked.append((self.path, self.headers["Authorization"]))

    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=str(tmp_path)))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"127.0.0.1:{server.server_port}", asked
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_signed_address_is_read_and_kept_without_its_signature(
    here, host, graded, write, tmp_path, admin_client
):
    write("stones.csv", graded.head(20))
    at, asked = host
    user, signature = SECRETS
    url = f"http://{user}{at}/stones.csv?id=7&{signature}"
    printed, _ = score(url, tmp_path / "priced")
    assert any(signature in path for path, _ in asked)
    run = ScoringRun.objects.get()
    assert (run.state, run.rows, run.input) == ("done", 20, f"http://{at}/stones.csv?id=7")
    plan = json.loads((tmp_path / "priced" / "_plan.json").read_text())
    assert plan["input"][0][0] == run.input
    shown = admin_client.get(reverse("admin:predictor_scoringrun_change", args=[run.pk])).content
    for text in (printed, (tmp_path / "priced" / "_plan.json").read_text(), shown.decode()):
        assert "hush" not in text
        assert "2f00" not in text


def test_a_refusal_does_not_repeat_it(here, host, tmp_path):
    at, _ = host
    with pytest.raises(CommandError) as refused:
        score(f"http://{SECRETS[0]}{at}/missing.csv?{SECRETS[1]}", tmp_path / "priced")
    assert f"http://{at}/missing.csv" in str(refused.value)
    assert "hush" not in str(refused.value)
    assert "2f00" not in str(refused.value)


def test_the_migration_removes_what_earlier_runs_kept(live_models):
    kept = {"scheme": "graded", "version": live_models["graded"], "state": "failed"}
    old = ScoringRun.objects.create(
        input="https://ada:hush@b/a.csv?id=7&X-Amz-Signature=2f",
        output="/data/out?token=1",
        workers="tcp://ada:hush@scheduler:8786",
        outcome="https://b/a.csv?sig=2f: no such file",
        **kept,
    )
    plain = ScoringRun.objects.create(input="/data/a@b.csv", output="s3://b/out", **kept)
    name = "predictor.migrations.0017_scoring_addresses_without_secrets"
    importlib.import_module(name).remove_secrets(apps, None)
    old.refresh_from_db()
    plain.refresh_from_db()
    assert (old.input, old.output) == ("https://b/a.csv?id=7", "/data/out?token=1")
    assert old.workers == "tcp://scheduler:8786"
    assert old.outcome == "https://b/a.csv: no such file"
    assert (plain.input, plain.output) == ("/data/a@b.csv", "s3://b/out")
