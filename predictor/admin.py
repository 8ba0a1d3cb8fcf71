"""Where Django looks for the admin: the desk's lists register themselves."""

from .desk import monitoring, predictions, samples, versions, views  # noqa: F401
