"""Undocumented parts of packages that the code uses. A failure names the package and what it changed.

Each package has an upper bound in pyproject.toml. To raise one, install the newer package, run this
file and the test suite, and check what they name.
"""

import ast
import inspect
import pkgutil
import re
import tomllib
from importlib import metadata

import pytest
from django.conf import settings

from .insides import INSIDES

PYPROJECT = settings.BASE_DIR / "pyproject.toml"
PROJECT = tomllib.loads(PYPROJECT.read_text())["project"]
DEPENDENCIES = PROJECT["dependencies"] + PROJECT["optional-dependencies"]["training"]
PUBLIC = {"_meta", "_replace"}
"""Names that begin with an underscore although they are documented."""


def takes(function, names):
    """Whether a function has these parameters, in this order, and needs no others."""
    own = list(inspect.signature(function).parameters.values())
    rest = own[len(names) :]
    return [one.name for one in own[: len(names)]] == names and all(
        one.default is not one.empty or one.kind in (one.VAR_POSITIONAL, one.VAR_KEYWORD)
        for one in rest
    )


@pytest.mark.parametrize(("package", "what", "places"), INSIDES, ids=[row[1] for row in INSIDES])
def test_a_package_is_inside_as_the_code_knows_it(package, what, places):
    version = metadata.version(package)
    told = (
        f"{package} {version} has changed: {what}. Check what uses it, then pyproject.toml's bound"
    )
    for place, parameters in places.items():
        try:
            found = pkgutil.resolve_name(place)
        except (AttributeError, ImportError) as error:
            pytest.fail(f"{told}: {error!r}")
        assert parameters is None or takes(found, parameters), f"{told}: {place}"


def test_just_these_packages_have_an_upper_bound_and_each_says_why():
    versions = [line.partition(";")[0] for line in DEPENDENCIES]  # without the marker
    bounded = {re.match(r"[\w-]+", line)[0] for line in versions if "<" in line}
    assert bounded == {package for package, *_ in INSIDES}
    text = PYPROJECT.read_text()
    for name in ("dependencies", "training"):
        for line in text.partition(f"\n{name} = [")[2].partition("\n]")[0].splitlines():
            bound = "<" in line.partition("#")[0].partition(";")[0]
            assert bound == ("#" in line), f"no reason, or no bound: {line}"


def private_names(path):
    """The attributes with a leading underscore that a file reads and does not define."""
    asked, own = set(), set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            own.add(node.name)
        elif isinstance(node, ast.Name):
            own.add(node.id)
        elif isinstance(node, ast.Attribute) and re.match(r"_(?!_)", node.attr):
            stored = isinstance(node.ctx, ast.Store) and getattr(node.value, "id", "") == "self"
            (own if stored else asked).add(node.attr)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            own.add(node.value)  # __slots__
    return asked - own - PUBLIC


@pytest.mark.parametrize("room", ["ml", "predictor", "diamondsite"])
def test_a_private_name_of_a_package_is_in_the_table(room):
    known = " ".join(what for _, what, _ in INSIDES)
    for path in sorted((settings.BASE_DIR / room).rglob("*.py")):
        unknown = [name for name in private_names(path) if name not in known]
        assert unknown == [], f"{path}: tell of it in INSIDES, and bound the package"
