"""What no tracked file may contain: paths of a developer's machine, package registries, tickets."""

import re
import subprocess
from functools import cache

import pytest
from django.conf import settings

# Joined here so that this file does not contain them.
REGISTRIES = [
    ".".join(parts)
    for parts in (
        ("pypi", "org"),
        ("python" + "hosted", "org"),
        ("anaconda", "org"),
        ("npmjs", "org"),
        ("npmjs", "com"),
        ("crates", "io"),
        ("rubygems", "org"),
        ("proxy", "golang", "org"),
        ("ghcr", "io"),
        ("quay", "io"),
        ("docker", "io"),
        ("gcr", "io"),
    )
]
FOLDERS = "|".join(["work", "root", "Users", r"home/\w+", r"tmp/\w+/\w+/.*"])
FORBIDDEN = {
    "the address of a package registry": re.compile("|".join(map(re.escape, REGISTRIES))),
    "a path of somebody's machine": re.compile(rf"(?<![\w.)}}/-])/({FOLDERS})(?![\w-])"),
    "a ticket": re.compile(
        r"\b[Pp]oints? \d|(?<!date )\b(the|this|of|in) issue\b(?! tracker)|\bissue #?\d"
    ),
}
"""{description: pattern}"""

NOT_TEXTS = {".png", ".webp", ".ico", ".ttf", ".mo"}


@cache
def tracked_texts():
    """{path: text} of the tracked files, without pictures and compiled messages."""
    if not (settings.BASE_DIR / ".git").exists():
        pytest.skip("no git repository: there are no tracked files")
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=settings.BASE_DIR, capture_output=True, text=True, check=True
    )
    paths = [settings.BASE_DIR / name for name in listed.stdout.split("\0") if name]
    texts = [path for path in paths if path.suffix not in NOT_TEXTS and path.exists()]
    return {path: path.read_text(errors="ignore") for path in texts}


@pytest.mark.parametrize("what", FORBIDDEN)
def test_no_file_says(what):
    found = [
        f"{path.relative_to(settings.BASE_DIR)}:{number}: {line[:120]}"
        for path, text in tracked_texts().items()
        if FORBIDDEN[what].search(text)
        for number, line in enumerate(text.splitlines(), start=1)
        if FORBIDDEN[what].search(line)
    ]
    assert found == []


@pytest.mark.parametrize(
    ("what", "text"),
    [
        *(
            ("the address of a package registry", f"https://{host}" + "/simple")
            for host in REGISTRIES
        ),
        ("a path of somebody's machine", f"see /{'work'}/main/README.md"),
        ("a path of somebody's machine", f"VAR_DIR=/{'home'}/anna/var"),
        ("a path of somebody's machine", f"cd /{'root'}"),
        ("a ticket", f"# {'Point'} 3"),
        ("a ticket", f"{'Point'} 4 of the {'issue'}."),
        ("a ticket", f"see {'issue'} #12"),
    ],
)
def test_such_a_line_is_found(what, text):
    assert FORBIDDEN[what].search(text)


@pytest.mark.parametrize(
    "text",
    [
        "VOLUME /var/lib/diamonds",
        "pid /tmp/nginx.pid;",
        "VAR_DIR=/tmp/var",
        "more than 1 point",
        "https://example.org/home/x",
        "the package index",
        "for issue in checks",
    ],
)
def test_such_a_line_is_fine(text):
    assert not any(pattern.search(text) for pattern in FORBIDDEN.values())
