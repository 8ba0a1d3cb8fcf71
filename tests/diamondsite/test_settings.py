"""Settings come from the environment: docs/operations.md lists each; an invalid value gives a
one-line error."""

import ast
import os
import re

import pytest
from django.conf import settings

SETTINGS = settings.BASE_DIR / "diamondsite" / "settings.py"
LISTED = settings.BASE_DIR / "docs" / "operations.md"


def variables_read():
    """The names in every env.something("NAME", …) of the settings file."""
    return {
        node.args[0].value
        for node in ast.walk(ast.parse(SETTINGS.read_text()))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and getattr(node.func.value, "id", None) == "env"
        and node.func.attr != "parser_for"
    }


@pytest.fixture
def run(starts):
    """Runs a command in a new process, as an operator would."""
    bare = {name: os.environ[name] for name in ("PATH", "VAR_DIR")}
    site = {"DJANGO_SETTINGS_MODULE": "diamondsite.settings"}
    return lambda *command, **environment: starts.run(*command, **(bare | site | environment))


def test_every_variable_that_is_read_is_listed_and_the_other_way_round():
    listed = re.findall(r"^\| `([A-Z][A-Z0-9_]*)` \|", LISTED.read_text(), re.MULTILINE)
    assert variables_read() == set(listed)
    assert len(listed) == len(set(listed))


def test_the_settings_read_the_environment_in_no_other_way():
    assert not re.search(r"environ\b(?!s)|getenv", SETTINGS.read_text())


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ALARM_POINTS", "-1"),
        ("ALARM_PERCENT", "ten"),
        ("JOB_LOST_SECONDS", "7"),
        ("JOB_KEPT_DAYS", "-1"),
        ("PORT", "abc"),
        ("PORT", "99999"),
        ("PORT", "0"),
        ("WORKERS", "0"),
        ("WORKERS", "two"),
        ("DEBUG", "maybe"),
        ("BEHIND_HTTPS", "2"),
        ("API_ACCESS", "closed"),
        ("OTEL_TRACES_EXPORTER", "jaeger"),
        ("API_THROTTLE", "600"),
        ("API_THROTTLE", "600/"),
        ("API_THROTTLE", "0/min"),
        ("API_THROTTLE", "-5/min"),
        ("API_THROTTLE", "1.5/min"),
        ("API_THROTTLE", "many/min"),
        ("API_THROTTLE", "600/fortnight"),
        ("API_THROTTLE", "600/min/s"),
        ("API_THROTTLE", "600/month"),
        ("API_THROTTLE", "9999999999/s"),
        ("ALLOWED_HOSTS", "https://example.org"),
        ("ALLOWED_HOSTS", "example.org, https://example.org"),
        ("ALLOWED_HOSTS", "example.org:8000"),
        ("ALLOWED_HOSTS", "example.org/diamonds"),
        ("ALLOWED_HOSTS", "*.example.org"),
        ("ALLOWED_HOSTS", "example.org;example.net"),
        ("ALLOWED_HOSTS", "a host"),
        ("CORS_ALLOWED_ORIGINS", "shop.example"),
        ("CORS_ALLOWED_ORIGINS", "https://shop.example/"),
        ("CORS_ALLOWED_ORIGINS", "https://a.example,*"),
        ("REDIS_URL", "127.0.0.1:6379"),
        ("REDIS_URL", "http://127.0.0.1:6379/0"),
        ("REDIS_URL", "redis://"),
        ("REDIS_URL", "redis:///0"),
        ("REDIS_URL", "redis://host:port/0"),
        ("REDIS_URL", "redis://host:99999/0"),
        ("REDIS_URL", "redis://host:6379/cache"),
        ("REDIS_URL", "redis://host:6379/0?db=1"),
        ("REDIS_URL", "redis://[host/0"),
        ("HSTS_SECONDS", "-1"),
        ("HSTS_SECONDS", "a year"),
        ("HSTS_SUBDOMAINS", "some"),
        ("TRUSTED_PROXIES", "-1"),
        ("TRUSTED_PROXIES", "10.0.0.1"),
        ("DEFAULT_LANGUAGE", "de"),
        ("FALLBACK_LANGUAGE", "Polish"),
        ("SCRIPT_NAME", "diamonds"),
        ("SCRIPT_NAME", "http://example.org/diamonds"),
        ("SCRIPT_NAME", "//example.org"),
        ("SCRIPT_NAME", "/a b"),
        ("LOG_FORMAT", "xml"),
        ("LOG_INPUTS", "some"),
        ("LOG_LEVEL", "loud"),
        ("TIME_ZONE", "Mars/Base"),
        ("TIME_ZONE", "../../etc/passwd"),
        ("DATABASE_URL", "nonsense://x"),
        ("DATABASE_URL", "x"),
        ("DATABASE_URL", "postgres://user@host:port/name"),
        ("DATABASE_URL", "mysql://user@host/name"),
    ],
)
def test_a_junk_value_stops_the_start_with_one_line_that_names_the_variable(run, name, value):
    stopped = run("manage.py", "check", **{name: value})
    assert stopped.returncode != 0
    [line] = (stopped.stdout + stopped.stderr).splitlines()
    assert line.startswith(f'manage.py: wrong setting: Environment variable "{name}" invalid: ')


@pytest.mark.parametrize(
    ("text", "rate"),
    [
        ("600/min", (600, 60)),
        ("600/m", (600, 60)),
        ("1/s", (1, 1)),
        ("20/second", (20, 1)),
        ("7/minute", (7, 60)),
        ("5000/hour", (5000, 3600)),
        ("100000/day", (100_000, 86_400)),
    ],
)
def test_a_throttle_is_requests_per_period(run, text, rate):
    shown = run(
        "-c",
        "from django.conf import settings; print(settings.API_THROTTLE)",
        API_THROTTLE=text,
        SECRET_KEY="x",
    )
    assert shown.stdout.strip() == str(rate), shown.stderr


@pytest.mark.parametrize(
    "url",
    [
        "redis://127.0.0.1:6379/0",
        "redis://redis",
        "rediss://user:pa%2Fss@redis.example.org:6380/15",
        "redis://:secret@[::1]:6379",
    ],
)
def test_the_cache_is_redis_where_its_address_is_set(run, url):
    shown = run(
        "-c",
        "from django.core.cache import cache; print(type(cache._connections['default']))",
        REDIS_URL=url,
        SECRET_KEY="x",
    )
    assert "RedisCache" in shown.stdout, shown.stderr


def test_an_invalid_redis_address_does_not_show_its_password(run):
    stopped = run("manage.py", "check", REDIS_URL="redis://user:hush@host:port/0")
    assert stopped.returncode != 0
    assert "hush" not in stopped.stdout + stopped.stderr


def test_a_folder_that_cannot_be_written_is_reported_with_what_to_do(run):
    stopped = run("manage.py", "check", VAR_DIR="/proc/diamonds")
    assert stopped.returncode != 0
    assert "(predictor.E001) VAR_DIR cannot be written" in stopped.stderr
    assert "HINT: Set VAR_DIR to a folder that this user may write to." in stopped.stderr
    assert "Traceback" not in stopped.stderr


@pytest.mark.parametrize(
    ("command", "database", "line"),
    [
        (
            "migrate",
            "postgres://u:hush@127.0.0.1:1/x",
            "the database is unusable: connection failed",
        ),
        (
            "createsuperuser",
            "postgres://127.0.0.1:1/x",
            "the database is unusable: connection failed",
        ),
        ("clearsessions", "", "the database is not prepared (no such table: django_session): run"),
        ("changepassword x", "", "the database is not prepared (no such table: auth_user): run"),
    ],
)
def test_djangos_own_commands_report_the_database_in_a_line(run, command, database, line):
    stopped = run("manage.py", *command.split(), DATABASE_URL=database)
    assert stopped.returncode == 1
    assert "Traceback" not in stopped.stderr
    said = stopped.stderr.splitlines()[-1]
    assert said.startswith(f"manage.py: {line}")
    assert "hush" not in said


@pytest.mark.parametrize(
    "hosts",
    [
        "example.org",
        ".example.org",
        "*",
        "web_1",
        "10.0.0.7",
        "[2001:db8::1]",
        "Example.ORG,b.example,",
    ],
)
def test_hosts_are_names_and_addresses(run, hosts):
    checked = run("manage.py", "check", ALLOWED_HOSTS=hosts, SECRET_KEY="x")
    assert checked.returncode == 0, checked.stderr


def test_a_list_may_have_spaces_after_its_commas(run):
    names = "ALLOWED_HOSTS", "CSRF_TRUSTED_ORIGINS", "CORS_ALLOWED_ORIGINS"
    shown = run(
        "-c",
        f"from django.conf import settings as s; print(*s.{', *s.'.join(names)}, sep='|')",
        **dict.fromkeys(names, "https://a.example, https://b.example")
        | {"ALLOWED_HOSTS": "a.example, b.example"},
        SECRET_KEY="x",
    )
    found = [name.removeprefix("https://") for name in shown.stdout.strip().split("|")]
    assert found.count("a.example") == found.count("b.example") == 3, shown.stderr


def test_nothing_set_at_all_and_all_set_to_nothing_are_alike(run, tmp_path):
    shown = "from django.conf import settings as s; print(s.PORT, s.WORKERS, s.HOST, s.DEBUG, s.TIME_ZONE, s.ALLOWED_HOSTS, s.DATABASES, s.BAKED_DIR)"  # noqa: E501
    empty = dict.fromkeys(variables_read(), "")
    unset = run("-c", shown, VAR_DIR=str(tmp_path), SECRET_KEY="x")
    blank = run("-c", shown, **{**empty, "VAR_DIR": str(tmp_path), "SECRET_KEY": "x"})
    assert unset.returncode == blank.returncode == 0, unset.stderr + blank.stderr
    assert unset.stdout == blank.stdout
    assert unset.stdout.startswith("5010 2 127.0.0.1 False UTC ['localhost', '127.0.0.1', '[::1]']")
    assert str(tmp_path / "history.sqlite3") in unset.stdout
