"""The versions of Python that make accepts; for others it prints one line."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
PIN = r"^([a-z0-9-]+)==(\S+)(?: ; (.+?))? \\$"
PRETEND = """#!/bin/sh
[ "$1" = --version ] && echo Python {version} && exit
case "$2" in *venv*) echo making it; exit 1;; esac
exec {python} -c 'import sys; sys.version_info = ({tuple}, 0); exec(sys.argv[1])' "$2"
"""


def made(tmp_path, version):
    """What make prints with a Python of this version, up to creating the environment."""
    python = tmp_path / "python"
    text = PRETEND.format(version=version, tuple=version.replace(".", ", "), python=sys.executable)
    python.write_text(text)
    python.chmod(0o755)
    environment = f"{tmp_path}/bin"
    done = subprocess.run(
        ["make", "-s", f"BIN={environment}", f"PYTHON={python}", f"{environment}/python"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode != 0
    return done.stdout.strip()


OLD = "is too old: install Python 3.11 or newer, or name it: make run PYTHON=python3.11"
NEW = (
    "is too new: not every package has wheels for it yet; install one of 3.11 3.12 3.13 3.14 3.15, "
    "and name it: make run PYTHON=python3.15"
)


@pytest.mark.parametrize(
    ("version", "message"),
    [
        *((version, "making it") for version in ("3.11.0", "3.13.1", "3.15.0")),
        *((version, f"Python {version} {OLD}") for version in ("3.9.2", "3.10.13")),
        *((version, f"Python {version} {NEW}") for version in ("3.16.0", "4.0.0")),
    ],
)
def test_the_pythons_that_have_wheels_are_taken_and_others_refused(tmp_path, version, message):
    assert made(tmp_path, version).startswith(message)


def test_each_of_them_has_one_version_of_each_package():
    """A package pinned in several versions has a marker of Python's version on each."""
    for name in ("requirements.txt", "requirements-dev.txt"):
        pins = re.findall(PIN, (ROOT / name).read_text(), re.MULTILINE)
        several = [package for package, _, marker in pins if not marker]
        assert len(several) == len(set(several))
        assert {
            ("numpy", "python_full_version < '3.15'"),
            ("numpy", "python_full_version >= '3.15'"),
        } <= {(package, marker) for package, _, marker in pins}
