"""What serves imports no package that only training needs: the image does not have them. Nor what it has no
use for."""

import os
import subprocess
import sys

from ml.forest import artifact

SERVE = """
import sys
from diamondsite.wsgi import application
from django.core.management import call_command, get_commands, load_command_class
from django.test import Client
from predictor.retraining.packages import PACKAGES
from predictor.versions.activation import activate
from predictor.versions.live import registry
from predictor.versions.store import register_file

call_command("migrate", verbosity=0)
for path in sys.argv[1:]:
    activate(register_file(path), why="to serve it")
registry.keep_fresh()
client = Client(headers={"host": "localhost"})
graded = "carat=0.7&cut=Ideal&color=G&clarity=VS1&depth=61.5&table=56&x=5.73&y=5.7&z=3.51"
coded = "carat=0.37&cut=3&color=0&clarity=2&depth=59.2&table=61.0&volume=60.063"
for stone in (graded, coded):
    assert client.get(f"/api/predict?{stone}&include=comparables").status_code == 200
for page in ("/", "/models/graded/1/", "/api/model", "/health/ready"):
    assert client.get(page).status_code == 200, page
for name, app in get_commands().items():
    if app == "predictor" and name not in ("retrain", "bake"):
        load_command_class(app, name)
from predictor.pages.price_file import pricing
from predictor.retraining import jobs
from predictor.scoring import services
unwanted = PACKAGES | {"opentelemetry", "cryptography", "segno"}
print(sorted(unwanted & sys.modules.keys()))
"""


def test_serving_imports_no_training_library(small_forests, tmp_path):
    paths = [str(tmp_path / f"{scheme}.forest") for scheme in small_forests]
    for path, forest in zip(paths, small_forests.values(), strict=True):
        artifact.save(forest, path)
    (tmp_path / "static").mkdir()
    (tmp_path / "static" / "staticfiles.json").write_text('{"paths": {}, "version": "1.1"}')
    own = {"VAR_DIR": str(tmp_path), "DATABASE_URL": "", "DEBUG": "true"}
    done = subprocess.run(
        [sys.executable, "-c", SERVE, *paths],
        env=os.environ | own,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.strip() == "[]", done.stderr
