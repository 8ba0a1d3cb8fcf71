"""What is refused in a data file, and what is noted of one that is taken.

Both keep their sentence and what is filled into it apart, so that a page can translate it.
"""


def gettext_noop(sentence: str) -> str:
    """The sentence itself; the name marks it for the Polish catalogue, as Django's does."""
    return sentence


class DatasetError(ValueError):
    """A data file that cannot be used; the message names the file and, where it can, line and column."""

    name = ""

    def __init__(self, sentence: str, **values: object) -> None:
        super().__init__(sentence, values)
        self.sentence, self.values = sentence, values

    def __str__(self) -> str:
        said = self.sentence.format(**self.values)
        return f"{self.name}: {said}" if self.name else said


class ExtraColumns(DatasetError):
    """Columns beside the stones' own; `read` takes the file where it is told to ignore them."""


class Note:
    """What was made of a file that is not as plain as it could be."""

    def __init__(self, sentence: str, **values: object) -> None:
        self.sentence, self.values = sentence, values

    def __str__(self) -> str:
        return self.sentence.format(**self.values)


def shown(text: str, most: int = 40) -> str:
    """A piece of the file as a message shows it: quoted, on one line, not too long."""
    return repr(text if len(text) <= most else text[:most] + "…")
