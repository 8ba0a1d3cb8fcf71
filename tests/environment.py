"""Loaded by pytest before Django: the suite's own settings, in a folder of its own."""

import atexit
import os
import shutil
import tempfile
from pathlib import Path

folder = tempfile.mkdtemp(prefix="diamonds-tests-")
(Path(folder) / "static").mkdir()
atexit.register(shutil.rmtree, folder, ignore_errors=True)

for name in (
    "API_ACCESS", "API_THROTTLE", "ALLOWED_HOSTS", "BAKED_DIR", "BEHIND_HTTPS", "DEBUG", "HOST",
    "HSTS_SECONDS", "HSTS_SUBDOMAINS", "LOG_FORMAT", "LOG_INPUTS", "METRICS_TOKEN", "PORT",
    "PROMETHEUS_MULTIPROC_DIR", "REDIS_URL", "TRUSTED_PROXIES", "WORKERS",
):  # fmt: skip
    os.environ.pop(name, None)
os.environ |= {"VAR_DIR": folder, "SECRET_KEY": "only-for-the-tests", "LOG_LEVEL": "ERROR"}
if not os.environ.get("DATABASE_URL"):
    os.environ.pop("DATABASE_URL", None)
