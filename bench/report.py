"""The tables that the benchmark prints: name, target, measured, met or not."""

import os
import platform
from dataclasses import dataclass, field

from rich.console import Console
from rich.table import Table

VERDICTS = {True: "met", False: "NOT met", None: ""}


@dataclass
class Report:
    """Prints the tables and collects their results."""

    console: Console = field(default_factory=lambda: Console(width=120, highlight=False))
    verdicts: list = field(default_factory=list)

    def environment(self, *names):
        """Prints the machine, the versions and the load of this run."""
        load = " ".join(f"{load:.1f}" for load in os.getloadavg())
        self.console.print(
            f"{os.cpu_count()} processors, load {load}, Python {platform.python_version()}"
        )
        self.console.print(", ".join(f"{name} {_version(name)}" for name in names))

    def progress(self, text):
        """Prints a line of progress before a table."""
        self.console.print(f"[dim]… {text}[/dim]")

    def table(self, title, rows):
        """rows: (name, target, measured, met), met None if there is no target."""
        table = Table(title=title, title_justify="left", title_style="bold")
        for column in ("", "target", "measured", ""):
            table.add_column(column, overflow="fold")
        for what, target, measured, met in rows:
            table.add_row(what, target, measured, VERDICTS[None if met is None else bool(met)])
            self.verdicts += [] if met is None else [(f"{title}: {what}", bool(met))]
        self.console.print(table)

    def summary(self):
        """Prints how many targets were met, and which were not."""
        missed = [what for what, met in self.verdicts if not met]
        self.console.print(
            f"{len(self.verdicts) - len(missed)} of {len(self.verdicts)} targets met"
        )
        for what in missed:
            self.console.print(f"NOT met: {what}")


def _version(package):
    from importlib import metadata

    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "missing"
