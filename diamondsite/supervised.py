"""Keeps the worker for jobs running beside a server: supervisord, which ends when the server ends.

gunicorn.conf.py starts it, with the server's process id as its argument. It imports no Django, so it
is small; supervisord starts the worker again whenever it has ended.
"""

import os
import signal
import sys
import threading
import time
from pathlib import Path

from supervisor import supervisord

EVERY = 0.5
"""Seconds between two checks that the server is still running."""

STDOUT = "/dev/stdout"


def main(server):
    """Runs until the server has ended; its child is then stopped, too."""
    threading.Thread(target=end_with, args=[server], daemon=True).start()
    os.umask(0o077)
    os.environ.setdefault("LOG_FORMAT", "text" if os.isatty(1) else "json")
    os.environ |= {"PYTHON": sys.executable, "WORKER_LOG": log_file()}
    pid_file = Path(os.environ["VAR_DIR"], "run", f"supervisord-{os.getpid()}.pid")
    supervisord.main(["--configuration", "deploy/supervisord.conf", "--pidfile", str(pid_file)])


def end_with(server):
    """Ends this process when its parent is no longer the server."""
    while os.getppid() == server:
        time.sleep(EVERY)
    os.kill(os.getpid(), signal.SIGTERM)


def log_file():
    """Where the worker's log goes: stdout, as the server's, unless that is a socket, as of systemd,
    which cannot be opened by its name."""
    try:
        os.close(os.open(STDOUT, os.O_WRONLY))
    except OSError:
        return os.devnull
    return STDOUT


if __name__ == "__main__":
    main(int(sys.argv[1]))
