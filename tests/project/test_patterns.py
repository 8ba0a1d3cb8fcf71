"""No regular expression takes quadratic time: each is run on texts that would make it slow."""

import ast
import importlib
import re
import time
from functools import cache

import pytest
from django.conf import settings

from ml.stones import LONGEST

CODE = "ml", "predictor", "diamondsite"
COMPILED = "a pattern is compiled at the top of its module, under a name"
USES = "fullmatch", "match", "search", "sub", "subn", "split", "findall", "finditer"

SIZES = 100, 400, 2_000
"""Repetitions; few at first, so that a slow pattern fails before it takes minutes."""

TIMES = 4
MOST = 8
"""The most by which a pattern's time may grow for a text TIMES as long: quadratic time grows by 16."""

AT_ONCE = 0.005
"""Seconds below which a time is too short to compare, because the clock is not exact enough."""

PIECES = (
    " ",
    "\xa0",
    "\n",
    "9",
    "0",
    "a",
    "A",
    ".",
    ",",
    "-",
    "+",
    "'",
    '"',
    ";",
    "9,",
    "9 ",
    "+.",
)
"""The texts that are repeated for every pattern."""

NUMBERS = ["9", "1.", "0.", "5e", "-"]
PATTERNS = {
    "diamondsite.bodies.SIZE": ("match", ["a"], ["\t", "f", "9 ", "9;"]),
    "diamondsite.settings.HOST_NAME": ("fullmatch", [".", "["], ["a.", "a:"]),
    "diamondsite.settings.ORIGIN": ("fullmatch", ["http://"], ["a.", ":1"]),
    "diamondsite.settings.DATABASE_NUMBER": ("fullmatch", ["/"], []),
    "diamondsite.settings.RATE": ("fullmatch", ["1", "1/s"], []),
    "ml.distributed.ADDRESS": ("fullmatch", ["tcp://"], [":1", "[", "a:"]),
    "ml.tables.amounts.BETWEEN_SIZES": ("split", ["5"], ["5 ", "5-", "5x", "by", "na", "-x", "b"]),
    "ml.tables.report.LEADERS": ("sub", [".", "_"], ["..", "__", "._", "…"]),
    "ml.tables.formulas.BEGINS": ("sub", ["=", ";", "\t"], ["='", ";=", ";'", "; ", "='' "]),
    "ml.tables.formulas.DISARMED": ("sub", ["'=", ";'"], ["='", ";'=", ";'", "; ", "='' "]),
    "ml.tables.formulas.NUMBER": ("fullmatch", ["-", "+1", "-1e"], ["1,", "e", "%"]),
    "ml.tables.formulas.SIGNED": ("match", [], []),
    "ml.tables.formulas.FORMULA_PARTS": ("search", ["=", "+"], ["|", "a:"]),
    "ml.tables.rows.SEPARATOR_LINE": ("fullmatch", ["sep=,"], ["\r\n", '"', "sep="]),
    "ml.tables.table.NAMELESS": ("fullmatch", ["unnamed: ", "unnamed: 1."], []),
    "ml.tables.workbook.LITERAL": ("sub", ['"', "["], ["[", '"a', "_", "\\"]),
    "ml.tables.text.WESTERN": ("search", [], ["£ ", "9 ", "£", "9 £", "mm", "m"]),
    "predictor.admin.predictions.refusals.FIRST": ("search", ['"'], ['"a', '": ', '"a": ["']),
    "predictor.admin.predictions.refusals.ROW": ("search", ['"row": '], ['"row": ', '"row": 9']),
    "predictor.management.commands._plain.NOT_PREPARED": (
        "search",
        ["relation ", "column "],
        ["no such ", "relation ", "column x ", "relation x of relation x ", "does not exist"],
    ),
    "predictor.management.commands._plain.CONTROL": ("search", [], ["\x7f"]),
    "predictor.history.seals.DAY": ("fullmatch", ["2026-11-28.head"], ["2026-"]),
    "predictor.history.partitions.NAME": ("fullmatch", ["predictor_prediction_2026_01"], ["x"]),
    "predictor.management.commands.prune_predictions.DAYS": ("fullmatch", ["1"], ["d"]),
    "predictor.pricing.serializers.NUMBER_TEXT": ("fullmatch", NUMBERS, ["9.", "e9", "9e"]),
    "predictor.pricing.serializers.CODE_TEXT": ("fullmatch", ["1.", "123456789"], ["0."]),
    "predictor.pricing.serializers.UNPRINTABLE": ("sub", [], ["\x00", "\ud800"]),
    "predictor.pricing.serializers.COUNT": ("fullmatch", [], []),
    "predictor.pricing.serializers.VERSION": ("fullmatch", ["1", "12"], ["0", "x"]),
    "predictor.telemetry.logs.SENT": (
        "sub",
        ["?", "DETAIL:", "request from ip="],
        ["?", "? ", "DETAIL:", "DETAIL:\n", "request from ip=", "request from ip=a: ", ": ", ":"],
    ),
    "predictor.telemetry.logs.CONTROL": ("sub", [], ["\x00", "\u2028"]),
    "predictor.telemetry.redaction.LIST": ("sub", ["/file/0123abcd"], ["/file/", "-0", "-"]),
    "predictor.telemetry.redaction.USER": ("sub", ["s3://", "://a:b"], ["://", "a@", "/", "@"]),
    "predictor.telemetry.redaction.QUERY": (
        "sub",
        ["?", "?a=b&", "?a."],
        ["?", "#", "?a", "&a=b", ":", ".:", "a.", ".a"],
    ),
    "predictor.telemetry.redaction.SECRET": ("search", [], ["x-", "x-am", "secre", "sig"]),
    "predictor.telemetry.tracing.TRACEPARENT": (
        "fullmatch",
        ["0", f"01-{'1' * 32}-{'2' * 16}-01-"],
        ["-", "a-", "!"],
    ),
    "predictor.web.accepting.ZERO": ("fullmatch", ["q=0", "q=0."], ["q=0"]),
    "predictor.web.middleware.REQUEST_ID": ("fullmatch", [], []),
    "predictor.web.parsers.LARGE": (
        "search",
        ["0.", "-"],
        ["9" * LONGEST + ",", "9" * (LONGEST // 2) + " ", ".9", "9."],
    ),
}
"""{pattern: (method that the code calls, beginnings of a match, more texts to repeat)}"""


@cache
def trees():
    """[(module, syntax tree), …] of the files of the code."""
    paths = [path for folder in CODE for path in (settings.BASE_DIR / folder).rglob("*.py")]
    modules = [
        ".".join(path.relative_to(settings.BASE_DIR).with_suffix("").parts) for path in paths
    ]
    return [
        (module, ast.parse(path.read_text())) for module, path in zip(modules, paths, strict=True)
    ]


def of_re(node):
    """Whether a node is a call of the re module, such as re.sub(…)."""
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and isinstance(node.func.value, ast.Name)
        and node.func.value.id == "re"
        and node.func.attr in (*USES, "compile")
    )


def found():
    """({module.NAME of a compiled pattern}, [places with a pattern of any other kind])."""
    names, elsewhere = set(), []
    for module, tree in trees():
        calls = {id(node): node.lineno for node in ast.walk(tree) if of_re(node)}
        for one in tree.body:
            inside = [node for node in ast.walk(one) if of_re(node)]
            if isinstance(one, ast.Assign) and inside and inside[0].func.attr == "compile":
                names.add(f"{module}.{one.targets[0].id}")
                calls = {key: line for key, line in calls.items() if key not in map(id, inside)}
        elsewhere += [f"{module}, line {line}" for line in calls.values()]
    return names, elsewhere


def uses():
    """{NAME: {method, …}} of the methods called on a name in capitals, as in NAME.sub(…)."""
    named = {}
    for _, tree in trees():
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute) and node.attr in USES:
                of = node.value.value if isinstance(node.value, ast.Subscript) else node.value
                if isinstance(of, ast.Name) and of.id.isupper():
                    named.setdefault(of.id, set()).add(node.attr)
    return named


def patterns(name):
    """The compiled patterns of a name."""
    module, _, last = name.rpartition(".")
    value = getattr(importlib.import_module(module), last)
    return [value] if isinstance(value, re.Pattern) else [*value.values()]


def test_each_pattern_has_a_name_and_is_in_the_table():
    names, elsewhere = found()
    assert not elsewhere, COMPILED
    assert names == set(PATTERNS)


def test_each_pattern_is_tried_as_it_is_used():
    tried, used = {}, uses()
    for name, (how, *_) in PATTERNS.items():
        tried.setdefault(name.rpartition(".")[2], set()).add(how)
    assert tried == {name: used[name] for name in tried}


def test_nothing_else_makes_patterns():
    for module, tree in trees():
        imported = [
            node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom | ast.Import)
        ]
        names = {alias.asname or alias.name for node in imported for alias in node.names}
        sources = {getattr(node, "module", "") for node in imported}
        assert not {"RegexValidator", "RegexField", "re_path", "regex"} & names, module
        assert "re" not in sources, module


@pytest.mark.parametrize("name", PATTERNS)
def test_its_time_grows_with_the_text_only(name):
    how, starts, pieces = PATTERNS[name]
    for pattern in patterns(name):
        for start in ("", *starts):
            for piece in (*PIECES, *pieces):
                for end in ("", "\x01"):
                    steep = steepness(pattern, how, start, piece, end)
                    assert steep <= MOST, (pattern.pattern, start, piece, end)


def steepness(pattern, how, start, piece, end):
    """By how much the time grows for a text TIMES as long; 0 if it is too short to compare."""
    for size in SIZES:
        short, long = (start + times * size * piece + end for times in (1, TIMES))
        for tries in (1, 5, 20):
            longer = seconds(pattern, how, long, tries)
            if longer < AT_ONCE or (ratio := longer / seconds(pattern, how, short, tries)) <= MOST:
                break
        else:
            return ratio
    return 0


def seconds(pattern, how, text, tries):
    """Processor seconds of a pattern on a text, the best of several tries."""
    if isinstance(pattern.pattern, bytes):
        text = text.encode("utf-8", "surrogatepass")
    call = getattr(pattern, how)
    arguments = (text[:0], text) if how == "sub" else (text,)
    best = float("inf")
    for _ in range(tries):
        begun = time.thread_time()
        call(*arguments)
        best = min(best, time.thread_time() - begun)
    return best


@pytest.mark.parametrize(
    ("text", "how", "start", "piece"),
    [
        (r"\s*(?:mm)?\s*x", "fullmatch", "", " "),
        (r"\s*(?:ct)$", "sub", "5", " "),
        (r"relation .* exist", "search", "", "relation "),
    ],
)
def test_a_slow_pattern_fails(text, how, start, piece):
    slow = re.compile(text)
    # Other work on the machine can hide it in one measurement, but not in all.
    assert any(steepness(slow, how, start, piece, "\x01") > MOST for _ in range(10))
