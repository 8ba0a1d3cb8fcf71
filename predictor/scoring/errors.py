"""What may stop a run; told in one line to whoever began it."""

from predictor.telemetry.redaction import redacted


def reason(error):
    """What a refusal says, without the address, which the message names."""
    return getattr(error, "strerror", None) or str(error) or type(error).__name__


class ScoringError(ValueError):
    """The run cannot begin or go on; the message names the file and the reason."""

    def __str__(self):
        return redacted(super().__str__())
