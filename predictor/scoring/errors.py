"""Errors that stop a run; shown in one line to the user who started it."""

from predictor.telemetry.redaction import redacted


def reason(error):
    """An error's message without the address, which the complete message names."""
    return getattr(error, "strerror", None) or str(error) or type(error).__name__


class ScoringError(ValueError):
    """The run cannot start or continue; the message names the file and the reason."""

    def __str__(self):
        return redacted(super().__str__())
