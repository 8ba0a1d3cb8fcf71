"""What may stop a run; told in one line to whoever began it."""


class ScoringError(ValueError):
    """The run cannot begin or go on; the message names the file and the reason."""
