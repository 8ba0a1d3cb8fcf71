"""What is kept: forests and their scores, which of them was live when, and every answer given."""

from .predictions import Prediction
from .versions import SCHEME_CHOICES, Activation, ModelVersion

__all__ = ["SCHEME_CHOICES", "Activation", "ModelVersion", "Prediction"]
