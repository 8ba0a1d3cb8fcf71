"""The processor time of an answer, by part, and over that of an older checkout; a section of
bench/api.py.

A load run cannot show a single step, because the cores slow each other down. So the application is
called in a loop in one process (bench/answer_worker.py), with each part left out in turn. The trees,
and scikit-learn's bare predict, take turns in each round.
"""

import json
import subprocess
import sys
from contextlib import ExitStack, contextmanager
from tempfile import TemporaryDirectory

from bench import opponents
from bench.servers import ROOT, environment_of_sites, manage
from ml.stones import SCHEMES

TARGETS = {"coded": 0.65, "graded": 0.60}
STONES, LISTS, SHORT = 300, 2, 5
"""How many requests of one stone, and of a list, make a round; and how many of these short rounds there
are for each of the bench's."""

PARTS = {
    "the log line": lambda us: us[""] - us["log line"],
    "recording the row": lambda us: us[""] - us["record"],
    "of which SQLite's statement": lambda us: us[""] - us["statement"],
    "validating and pricing": lambda us: us["record"] - us["quote"],
    "the answer's JSON": lambda us: us[""] - us["answer"],
    "counts": lambda us: us[""] - us["counts"],
}
"""What a part takes: the difference that leaving it out makes."""

THEIRS = "scikit-learn's predict"


def answer(bench, report):
    trees = {"now": ROOT} | ({"before": bench.against} if bench.against else {})
    with ExitStack() as stack:
        workers = {name: stack.enter_context(_worker(bench, tree)) for name, tree in trees.items()}
        for scheme in SCHEMES:
            _answer_of(bench, report, scheme, workers)


def _answer_of(bench, report, scheme, workers):
    turns = range(SHORT * bench.rounds)
    rounds = [{name: ask(scheme, STONES) for name, ask in workers.items()} for _ in turns]
    best = {name: _best([one[name] for one in rounds]) for name in workers}
    report.table(f"µs of processor for an answer, {scheme}, best of {len(rounds)}", _rows(best))
    if bench.against:
        ratios = [one["now"][""] / one["before"][""] for one in rounds]
        report.table(f"Now over before, {scheme}", [_ratio_row(best, ratios, TARGETS[scheme])])
    with opponents.frames(bench.folder, scheme, 1) as predict:
        asked = {
            name: lambda ask=ask: ask(f"{scheme}-{opponents.LIST}", LISTS)[""]
            for name, ask in workers.items()
        }
        asked[THEIRS] = lambda: predict(0.2)["processor"]
        rounds = [{name: call() for name, call in asked.items()} for _ in turns]
    report.table(f"Lists of {opponents.LIST:,}, {scheme}, all recorded", _list_rows(rounds))


def _best(rounds):
    """{part left out: the least µs of the rounds}."""
    return {part: min(one[part] for one in rounds) for part in rounds[0]}


def _rows(best):
    """A row for all of it, for each part, and for what is left."""
    times = {name: {"all": us[""]} | _parts(us) for name, us in best.items()}
    for part in times["now"]:
        yield part, "", ", ".join(f"{name} {one[part]:.0f}" for name, one in times.items()), None


def _parts(us):
    parts = {name: took(us) for name, took in PARTS.items()}
    whole = sum(took for name, took in parts.items() if not name.startswith("of which"))
    return parts | {"Django and everything else": us[""] - whole}


def _ratio_row(best, ratios, target):
    share = best["now"][""] / best["before"][""]
    spread = f"{share:.2f} (rounds {min(ratios):.2f} to {max(ratios):.2f})"
    return "all of it", f"<= {target}", spread, share <= target


def _list_rows(rounds):
    best = {name: min(one[name] for one in rounds) for name in rounds[0]}
    for name, us in best.items():
        yield name, "", f"{us / 1000:.1f} ms of processor for a list", None
    for name in best.keys() - {THEIRS}:
        shares = [one[THEIRS] / one[name] for one in rounds]
        share = best[THEIRS] / best[name]
        spread = f"{share:.2f} (rounds {min(shares):.2f} to {max(shares):.2f})"
        yield f"stones a second, {name}, over {THEIRS}", ">= 1", spread, share >= 1


@contextmanager
def _worker(bench, tree):
    """A call that measures a round in a process of a tree, which has its own site."""
    with TemporaryDirectory(dir=bench.folder) as folder:
        environment = {"VAR_DIR": folder, "BAKED_DIR": str(bench.folder / "baked")}
        manage("quickstart", "true", tree=tree, **environment)
        worker = subprocess.Popen(  # noqa: S603 - our own script
            [sys.executable, str(ROOT / "bench" / "answer_worker.py"), str(bench.folder)],
            cwd=tree,
            env=environment_of_sites(tree) | environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

        def ask(kind, count):
            worker.stdin.write(json.dumps({"kind": kind, "count": count}) + "\n")
            worker.stdin.flush()
            return json.loads(worker.stdout.readline())

        try:
            yield ask
        finally:
            worker.communicate()
