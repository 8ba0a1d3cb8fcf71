"""The worker for background tasks: django-tasks' own, which also ends when the process that started
it ends."""

import os
import signal
import threading
import time

from django.core.management import call_command

from ._plain import PlainCommand

EVERY = 0.5
"""Seconds between two checks that the starting process is still running."""

STARTER = "WORKER_OF"
"""The variable in which quickstart passes its process id, because it may end before this process
checks."""


class Command(PlainCommand):
    help = "Do what was asked for in the admin (retraining), until the process that started this one ends."

    def handle(self, **options):
        threading.Thread(
            target=end_with, args=[int(os.environ.get(STARTER, os.getppid()))], daemon=True
        ).start()
        call_command("db_worker", verbosity=options["verbosity"])


def end_with(parent):
    """Ends this process at once when its parent has ended; a task in progress is then marked as
    lost."""
    while os.getppid() == parent:
        time.sleep(EVERY)
    os.kill(os.getpid(), signal.SIGKILL)  # a task in progress would delay SIGTERM
