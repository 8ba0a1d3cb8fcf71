"""The tables: model versions and activations, predictions, priced files, jobs, reviews and monitoring."""

from .files import PricedFile
from .jobs import Job, Worker
from .monitoring import Alarm, MonitoredDay
from .predictions import Prediction
from .reviews import Review, ReviewLock, Sample, SampledPrediction, SavedView, SecondReview
from .scoring import ScoringRun
from .versions import SCHEME_CHOICES, Activation, ModelVersion

__all__ = [
    "SCHEME_CHOICES",
    "Activation",
    "Alarm",
    "Job",
    "ModelVersion",
    "MonitoredDay",
    "Prediction",
    "PricedFile",
    "Review",
    "ReviewLock",
    "Sample",
    "SampledPrediction",
    "SavedView",
    "ScoringRun",
    "SecondReview",
    "Worker",
]
