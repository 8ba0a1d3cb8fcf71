"""Loaded by pytest before Django: the suite's own settings, in a folder of its own."""

import atexit
import os
import shutil
import tempfile
from pathlib import Path

folder = tempfile.mkdtemp(prefix="diamonds-tests-")
(Path(folder) / "static").mkdir()
atexit.register(shutil.rmtree, folder, ignore_errors=True)

for name in ("DEBUG", "ALLOWED_HOSTS", "BEHIND_HTTPS", "BAKED_DIR", "HOST", "PORT", "WORKERS"):
    os.environ.pop(name, None)
os.environ |= {"VAR_DIR": folder, "SECRET_KEY": "only-for-the-tests", "LOG_LEVEL": "ERROR"}
if not os.environ.get("DATABASE_URL"):
    os.environ.pop("DATABASE_URL", None)
