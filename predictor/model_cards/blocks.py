"""The parts of a model card. Each block has its template and its Markdown, so both show the same."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Text:
    """A paragraph."""

    text: str
    template = "predictor/card/text.html"

    def markdown(self):
        return self.text


@dataclass(frozen=True)
class Items:
    """A short list under its own heading."""

    title: str
    items: list
    template = "predictor/card/items.html"

    def markdown(self):
        return "\n".join([f"### {self.title}", "", *(f"- {item}" for item in self.items)])


@dataclass(frozen=True)
class Facts:
    """Rows of (label, value, whether the value is code)."""

    rows: list
    template = "predictor/card/facts.html"

    def markdown(self):
        return "\n".join(
            f"- {label}: {f'`{value}`' if code else value}" for label, value, code in self.rows
        )


@dataclass(frozen=True)
class Table:
    """A table; the first cell of a row is its heading, the others are figures."""

    name: str
    title: str
    head: list
    rows: list
    template = "predictor/card/table.html"

    def markdown(self):
        lines = [self.head, ["---"] + ["---:"] * (len(self.head) - 1), *self.rows]
        table = "\n".join(f"| {' | '.join(map(str, cells))} |" for cells in lines)
        return f"### {self.title}\n\n{table}"


@dataclass(frozen=True)
class Plot:
    """A chart: a description, its positions, the same as text and as a table."""

    kind: str
    name: str
    title: str
    about: str
    places: dict
    text: str
    table: Table
    template = "predictor/card/plot.html"

    @property
    def picture(self):
        return f"predictor/card/{self.kind}.html"

    def markdown(self):
        chart = f"### {self.title}\n\n{self.about}\n\n```text\n{self.text}\n```"
        return f"{chart}\n\n{self.table.markdown()}"


@dataclass(frozen=True)
class Section:
    """A section of the card."""

    name: str
    title: str
    blocks: list

    def markdown(self):
        return "\n\n".join([f"## {self.title}", *(block.markdown() for block in self.blocks)])


@dataclass(frozen=True)
class Card:
    """The whole card, in the language that was active when it was built."""

    title: str
    sections: list

    def markdown(self):
        """The card as Markdown, ending in a newline."""
        return "\n\n".join([f"# {self.title}", *(part.markdown() for part in self.sections)]) + "\n"
