"""The tables: model versions and activations, predictions, priced files, jobs, reviews and monitoring."""

from .files import PricedFile
from .jobs import RetrainJob
from .monitoring import Alarm, MonitoredDay
from .predictions import Prediction
from .reviews import Review, ReviewLock, Sample, SampledPrediction, SavedView
from .scoring import ScoringRun
from .versions import SCHEME_CHOICES, Activation, ModelVersion

__all__ = [
    "SCHEME_CHOICES",
    "Activation",
    "Alarm",
    "ModelVersion",
    "MonitoredDay",
    "Prediction",
    "PricedFile",
    "RetrainJob",
    "Review",
    "ReviewLock",
    "Sample",
    "SampledPrediction",
    "SavedView",
    "ScoringRun",
]
