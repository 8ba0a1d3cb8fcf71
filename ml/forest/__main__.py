"""`python -m ml.forest` builds the C library if there is a compiler; called by make and the Dockerfile."""

import sys

from .native import build

sys.stdout.write(build() + "\n")
