"""`python -m ml.forest` builds the walk in C where there is a compiler; make and the Dockerfile do."""

import sys

from .native import build

sys.stdout.write(build() + "\n")
