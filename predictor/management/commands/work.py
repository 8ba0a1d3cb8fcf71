"""The worker of what is done beside the server: django-tasks' own, ending with whoever started it."""

import os
import signal
import threading
import time

from django.core.management import call_command

from ._plain import PlainCommand

EVERY = 0.5
"""Seconds between two looks whether the starter lives."""

STARTER = "WORKER_OF"
"""The variable in which quickstart tells its process id: it may be gone before this process looks."""


class Command(PlainCommand):
    help = "Do what was asked for in the admin (retraining), until the process that started this one ends."

    def handle(self, **options):
        threading.Thread(
            target=end_with, args=[int(os.environ.get(STARTER, os.getppid()))], daemon=True
        ).start()
        call_command("db_worker", verbosity=options["verbosity"])


def end_with(parent):
    """Ends this process at once when its parent has; a job on the way is then marked lost."""
    while os.getppid() == parent:
        time.sleep(EVERY)
    os.kill(os.getpid(), signal.SIGKILL)  # a task on the way would keep a gentler one
