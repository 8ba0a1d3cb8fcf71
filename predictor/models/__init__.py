"""What is kept: forests and their scores, which of them was live when, every answer given, the files
that were priced, and what reviewers say of them."""

from .files import PricedFile
from .jobs import RetrainJob
from .monitoring import Light, MonitoredDay
from .predictions import Prediction
from .reviews import Drawn, Opened, Review, Sample, SavedView
from .scoring import ScoringRun
from .versions import SCHEME_CHOICES, Activation, ModelVersion

__all__ = [
    "SCHEME_CHOICES",
    "Activation",
    "Drawn",
    "Light",
    "ModelVersion",
    "MonitoredDay",
    "Opened",
    "Prediction",
    "PricedFile",
    "RetrainJob",
    "Review",
    "Sample",
    "SavedView",
    "ScoringRun",
]
