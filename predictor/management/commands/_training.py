"""What quickstart, retrain and bake share: the progress bar and the table of scores."""

import time
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

LINE_SECONDS = 30
"""Seconds between two lines of progress in a log file."""


@contextmanager
def progress_bar(stdout, title, columns=(MofNCompleteColumn, TimeElapsedColumn)):
    """Gives a function (done, total) that moves a progress bar titled `title` on a command's
    output, or writes lines where that is not a terminal. columns: rich's columns after the bar."""
    console = Console(file=stdout)
    if not console.is_terminal:
        yield _lines(stdout, title)
        return
    with Progress(*_columns(columns), console=console) as bar:
        task = bar.add_task(title, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def _columns(columns):
    return [TextColumn("{task.description}"), BarColumn(), *(column() for column in columns)]


def _lines(stdout, title):
    """Writes a line of progress now and then, and one at the end."""
    written = time.monotonic(), None

    def write(done, total):
        nonlocal written
        at, last = written
        if done != last and (done == total or time.monotonic() - at >= LINE_SECONDS):
            written = time.monotonic(), done
            of = f" of {total:,}" if total else ""
            stdout.write(f"{title}: {done:,}{of}")

    return write


def print_table(stdout, columns, rows, title=None):
    """Prints rows under column headings; figures are right-aligned."""
    table = Table(*columns, title=title, title_justify="left")
    for row in rows:
        table.add_row(*map(str, row))
    Console(file=stdout, width=160).print(table)


SCORE_COLUMNS = ("R²", "RMSE", "MAE", "MAPE", "coverage", "stones")


def score_cells(scores):
    """A version's scores as cells under SCORE_COLUMNS."""
    coverage = scores["coverage"]
    return (
        f"{scores['r2']:.4f}",
        f"{scores['rmse']:.1f}",
        f"{scores['mae']:.1f}",
        f"{scores['mape']:.1%}",
        "" if coverage is None else f"{coverage:.1%}",
        f"{scores['stones']:,}",
    )
