"""The admin for reviewers and maintainers. Its model admins register when Django imports this."""

from . import jobs, monitoring, scoring  # noqa: F401
from .predictions import model_admin as predictions  # noqa: F401
from .predictions import saved_filters  # noqa: F401
from .reviews import outcomes, samples  # noqa: F401
from .versions import model_admin as versions  # noqa: F401
from .versions import shadows  # noqa: F401
