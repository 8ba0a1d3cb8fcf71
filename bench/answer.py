"""The processor time of an answer, by part, and over that of an older checkout; sections of
bench/api.py.

A load run cannot show a single step, because the cores slow each other down. So the application is
called in a loop in one process (bench/answer_worker.py), with each part left out in turn. An older
checkout, and scikit-learn's bare predict, take turns with it in each round.
"""

import json
import statistics
import subprocess
from contextlib import ExitStack, contextmanager
from itertools import product
from tempfile import TemporaryDirectory

from bench import opponents
from bench.servers import ROOT, environment_of_sites, manage, python_of
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
WITHOUT_TREND = "the same without the boosted trend"


def answer(bench, report):
    with ExitStack() as stack:
        workers = {
            name: stack.enter_context(_worker(bench, tree)) for name, tree in bench.trees.items()
        }
        for scheme in SCHEMES:
            _answer_of(bench, report, scheme, workers)


def _answer_of(bench, report, scheme, workers):
    turns = range(SHORT * bench.rounds)
    vary = None if bench.against else "parts"
    rounds = [
        {name: ask(scheme, STONES, vary=vary) for name, ask in workers.items()} for _ in turns
    ]
    best = {name: _best([one[name] for one in rounds]) for name in workers}
    if not bench.against:
        title = f"µs of processor for an answer, {scheme}, best of {len(rounds)}"
        report.table(title, _rows(best["now"]))
    else:
        ratios = [one["now"][""] / one["before"][""] for one in rounds]
        report.table(f"Now over before, {scheme}", [_ratio_row(best, ratios, TARGETS[scheme])])
    with opponents.frames(bench.folder, scheme, 1) as predict:
        asked = {
            name: lambda ask=ask: ask(f"{scheme}-{opponents.LIST}", LISTS)[""]
            for name, ask in workers.items()
        }
        asked[THEIRS] = lambda: predict(0.2)["processor"]
        if scheme == "graded":
            asked[WITHOUT_TREND] = lambda: predict(0.2, trend=False)["processor"]
        rounds = [{name: call() for name, call in asked.items()} for _ in turns]
    report.table(f"Lists of {opponents.LIST:,}, {scheme}, all recorded", _list_rows(rounds))


def usual(bench, report):
    """An answer with each step done in the usual way instead of the application's own, in turns."""
    with _worker(bench, ROOT) as ask:
        for scheme in SCHEMES:
            rounds = [ask(scheme, STONES, vary="usual") for _ in range(SHORT * bench.rounds)]
            as_it_is = min(one.pop("") for one in rounds)
            rows = [("as it is", "", f"{as_it_is:.0f} µs, best of {len(rounds)}", None)]
            rows += [_usual_row(way, [one[way] for one in rounds]) for way in rounds[0]]
            report.table(
                f"An answer with a step done in the usual way, over as it is, {scheme}", rows
            )


def _usual_row(way, shares):
    low, middle, high = statistics.quantiles(shares, n=4)
    return way, "", f"{middle:.2f} (half of the rounds {low:.2f} to {high:.2f})", None


def _best(rounds):
    """{part left out: the least µs of the rounds}."""
    return {part: min(one[part] for one in rounds) for part in rounds[0]}


def _rows(best):
    """A row for all of it, for each part, and for what is left."""
    for part, us in ({"all": best[""]} | _parts(best)).items():
        yield part, "", f"{us:.0f}", None


def _parts(us):
    parts = {name: took(us) for name, took in PARTS.items()}
    whole = sum(took for name, took in parts.items() if not name.startswith("of which"))
    return parts | {"Django and everything else": us[""] - whole}


def _ratio_row(best, ratios, target):
    share = best["now"][""] / best["before"][""]
    middle = statistics.median(ratios)
    times = f"{best['before']['']:.0f} to {best['now']['']:.0f} µs"
    spread = f"{times}: {share:.2f} (rounds {min(ratios):.2f}, {middle:.2f}, {max(ratios):.2f})"
    return "best of the rounds", f"<= {target}", spread, share <= target


def _list_rows(rounds):
    best = {name: min(one[name] for one in rounds) for name in rounds[0]}
    for name, us in best.items():
        yield name, "", f"{us / 1000:.1f} ms of processor for a list", None
    theirs = [name for name in (THEIRS, WITHOUT_TREND) if name in best]
    for name, other in product(best.keys() - {*theirs}, theirs):
        shares = [one[other] / one[name] for one in rounds]
        share = best[other] / best[name]
        spread = f"{share:.2f} (rounds {min(shares):.2f} to {max(shares):.2f})"
        target = ">= 1" if other == THEIRS else ""
        met = share >= 1 if target else None
        yield f"stones a second, {name}, over {other}", target, spread, met


@contextmanager
def _worker(bench, tree):
    """A call that measures a round in a process of a tree, which has its own site."""
    with TemporaryDirectory(dir=bench.folder) as folder:
        environment = {"VAR_DIR": folder, "BAKED_DIR": str(bench.baked(tree))}
        manage("quickstart", "true", tree=tree, **environment)
        worker = subprocess.Popen(  # noqa: S603 - our own script
            [python_of(tree), str(ROOT / "bench" / "answer_worker.py"), str(bench.folder)],
            cwd=tree,
            env=environment_of_sites(tree) | environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

        def ask(kind, count, **options):
            worker.stdin.write(json.dumps({"kind": kind, "count": count, **options}) + "\n")
            worker.stdin.flush()
            return json.loads(worker.stdout.readline())

        try:
            yield ask
        finally:
            worker.communicate()
