"""A typed client of the diamond price service; docs/api.md describes the service."""

from .client import ApiError, DiamondPrices, Refused, Unavailable
from .models import CodedStone, GradedStone, Outcome, Quote, ReportedOutcome

__all__ = [
    "ApiError",
    "CodedStone",
    "DiamondPrices",
    "GradedStone",
    "Outcome",
    "Quote",
    "Refused",
    "ReportedOutcome",
    "Unavailable",
]
