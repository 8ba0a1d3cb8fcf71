"""The service compared with FastAPI and onnxruntime, which do the same job; a section of
bench/api.py."""

import shutil
import subprocess
from contextlib import ExitStack, contextmanager

from bench.measuring import EXAMPLE, median, ratio, recorded, unrecorded
from bench.servers import BARE, OURS, ROOT, WORKERS, Void, serving
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


def peers(bench, report):
    """All sides answer the same requests in turn, one row for each."""
    if bench.rounds < 5:
        report.progress("fewer than five rounds: read the ratios as a hint")
    folder = bench.folder / "onnx"
    _prepare(folder, report)
    with ExitStack() as stack:
        site = stack.enter_context(bench.site("SQLite", "peers"))
        subjects = {}
        servers = {
            OURSELVES: stack.enter_context(serving(OURS, EXAMPLE, **site.environment)),
            GTHREAD: stack.enter_context(_bare()),
            **{name: stack.enter_context(_fastapi(folder, how)) for name, how in PEERS.items()},
        }
        for scheme in SCHEMES:
            for name, server in servers.items():
                measured = (
                    recorded(site, server, bench.requests(scheme), 8)
                    if name == OURSELVES
                    else unrecorded(server, bench.requests(scheme), 8)
                )
                subjects[name, scheme] = measured
        found = bench.take_turns(subjects)
    for scheme in SCHEMES:
        of_scheme = {name: found[name, scheme] for name in servers}
        report.table(f"The same work on SQLite, 8 connections: {scheme}", [*_rows(of_scheme)])


def _rows(found):
    for name, some in found.items():
        p99 = median(some, "p99")
        yield name, "", f"{median(some):,.0f}/s, p99 {p99:.1f} ms, {_spread(some)}", None
    for name, target in ((STRONGEST, 1.2), (GTHREAD, 0.55)):
        share = ratio(found[OURSELVES], found[name])
        yield f"ours over: {name}", f">= {target}", f"{share:.2f}", share >= target
    times = ratio(found[OURSELVES], found[STRONGEST], "p99")
    yield f"our p99 over: {STRONGEST}", "<= 1", f"{times:.2f}", times <= 1


def _spread(some):
    rates = [one["rate"] for one in some]
    return f"rounds {min(rates):,.0f} to {max(rates):,.0f}/s"


def _bare():
    command = [*BARE, "--worker-class", "gthread"]
    return serving(command, EXAMPLE, DJANGO_SETTINGS_MODULE="bench.bare")


@contextmanager
def _fastapi(folder, how):
    """A FastAPI server with its own empty history."""
    for file in folder.glob(f"answers-{how}.sqlite3*"):
        file.unlink()
    with serving(UVICORN, EXAMPLE, FOLDER=str(folder), RECORD=how) as server:
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
