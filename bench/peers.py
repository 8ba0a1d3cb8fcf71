"""The service compared with FastAPI and onnxruntime, which do the same job; a section of
bench/api.py."""

import shutil
import subprocess
from contextlib import ExitStack, contextmanager

from bench.measuring import EXAMPLE, median, ratio, recorded, unrecorded
from bench.servers import BARE, OURS, ROOT, WORKERS, Void, serving
from bench.sites import NAME, PostgresSite
from ml.stones import SCHEMES

PYTHON = ROOT / ".venv-bench" / "bin" / "python"
UVICORN = [
    str(PYTHON),
    "-m",
    "uvicorn",
    "bench.fastapi_site:app",
    "--port",
    "{port}",
    "--workers",
    str(WORKERS),
    "--no-access-log",
    "--log-level",
    "warning",
    "--timeout-worker-healthcheck",
    "300",
]
PEERS = {
    "FastAPI, nothing recorded": "none",
    "FastAPI, by sqlite3": "sqlite3",
}
STRONGEST, GTHREAD, OURSELVES = "FastAPI, by sqlite3", "a bare view on gunicorn's gthread", "ours"
ON_POSTGRESQL = "FastAPI, by psycopg"
TARGETS = {"SQLite": {STRONGEST: 1.05, GTHREAD: 0.55}, "PostgreSQL": {ON_POSTGRESQL: 1.2}}
CONNECTIONS = {"SQLite": 8, "PostgreSQL": 16}


def peers(bench, report):
    """All sides answer the same requests in turn, one row for each."""
    if bench.rounds < 5:
        report.progress("fewer than five rounds: read the ratios as a hint")
    folder = bench.folder / "onnx"
    _prepare(folder, report)
    for kind in TARGETS:
        with ExitStack() as stack:
            site = stack.enter_context(bench.site(kind, "peers"))
            ours = stack.enter_context(serving(OURS, EXAMPLE, **site.environment))
            others = _on_sqlite if kind == "SQLite" else _on_postgresql
            servers = {OURSELVES: ours} | others(bench, stack, folder)
            subjects = {
                (name, scheme): _subject(bench, kind, site, name, server, scheme)
                for scheme in SCHEMES
                for name, server in servers.items()
            }
            found = bench.take_turns(subjects)
        for scheme in SCHEMES:
            title = f"The same work on {kind}, {CONNECTIONS[kind]} connections: {scheme}"
            of_scheme = {name: found[name, scheme] for name in servers}
            report.table(title, [*_rows(of_scheme, TARGETS[kind])])


def _on_sqlite(bench, stack, folder):
    return {
        GTHREAD: stack.enter_context(_bare()),
        **{name: stack.enter_context(_fastapi(folder, how)) for name, how in PEERS.items()},
    }


def _on_postgresql(bench, stack, folder):
    """A FastAPI server with an empty table in a database of its own."""
    site = PostgresSite(folder, bench.postgres, f"{NAME}_fastapi")
    site.create()
    stack.callback(site.drop)
    site.execute(
        "CREATE TABLE answers (id text PRIMARY KEY, created float, scheme text, request text,"
        " features text, price float)"
    )
    server = _fastapi(folder, "psycopg", DATABASE_URL=site.url)
    return {ON_POSTGRESQL: stack.enter_context(server)}


def _subject(bench, kind, site, name, server, scheme):
    requests, connections = bench.requests(scheme), CONNECTIONS[kind]
    if name == OURSELVES:
        return recorded(site, server, requests, connections)
    return unrecorded(server, requests, connections)


def _rows(found, targets):
    for name, some in found.items():
        p99 = median(some, "p99")
        yield name, "", f"{median(some):,.0f}/s, p99 {p99:.1f} ms, {_spread(some)}", None
    for name, target in targets.items():
        share = ratio(found[OURSELVES], found[name])
        yield f"ours over: {name}", f">= {target}", f"{share:.2f}", share >= target
    peer = next(iter(targets))
    times = ratio(found[OURSELVES], found[peer], "p99")
    yield f"our p99 over: {peer}", "<= 1", f"{times:.2f}", times <= 1


def _spread(some):
    rates = [one["rate"] for one in some]
    return f"rounds {min(rates):,.0f} to {max(rates):,.0f}/s"


def _bare():
    command = [*BARE, "--worker-class", "gthread"]
    return serving(command, EXAMPLE, DJANGO_SETTINGS_MODULE="bench.bare")


@contextmanager
def _fastapi(folder, how, **environment):
    """A FastAPI server with its own empty history."""
    for file in folder.glob(f"answers-{how}.sqlite3*"):
        file.unlink()
    with serving(UVICORN, EXAMPLE, FOLDER=str(folder), RECORD=how, **environment) as server:
        yield server


def _prepare(folder, report):
    """The opponent's forests, made once, because training and conversion to ONNX take some minutes."""
    if not PYTHON.exists():
        raise Void("the opponents are not installed: make .venv-bench/.installed")
    if all((folder / f"{scheme}.onnx").exists() for scheme in SCHEMES):
        return
    report.progress("training the opponent's forests and converting them to ONNX")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    command = [str(PYTHON), "-W", "ignore", "bench/to_onnx.py", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True)  # noqa: S603 - our own script
