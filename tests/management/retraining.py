"""Runs manage.py retrain and lists the files it leaves; for the tests of retrain."""

from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command


def run(data, **options):
    """The output of retrain; raises SystemExit if the version is not activated."""
    out = StringIO()
    options = {"scheme": "graded", "seed": 7, "year": 2008, **options}
    parsed = [name for name in ("max_left_out", "public") if name in options]
    given = [f"--{name.replace('_', '-')}={options.pop(name)}" for name in parsed]
    try:
        call_command("retrain", *given, data=str(data), stdout=out, **options)
    except SystemExit as stop:
        stop.out = out.getvalue()
        raise
    return out.getvalue()


def kept_back(data, **options):
    with pytest.raises(SystemExit) as stop:
        run(data, **options)
    assert stop.value.code == 3
    return stop.value.out


def stored_files(settings):
    """All files in VAR_DIR and the storage, except the lock."""
    folders = {Path(settings.VAR_DIR), Path(settings.MEDIA_ROOT)}
    files = {path for folder in folders for path in folder.rglob("*") if path.is_file()}
    return {path for path in files if path.name != "retrain.lock"}
