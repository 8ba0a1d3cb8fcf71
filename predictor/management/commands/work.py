"""The worker for jobs. Any number of workers may run, on any machines that share the database."""

import signal

from predictor.jobs.worker import JobWorker
from predictor.pages.price_file import pricing  # noqa: F401  # a kind of job
from predictor.shadow.pricing import Shadows

from ._plain import PlainCommand


class Command(PlainCommand):
    requires_system_checks = ()  # the server's start has reported them
    help = (
        "Run the jobs that were requested on the site, and price requests with shadows, until SIGTERM: the "
        "job in progress then goes back into the queue. The server of make run has a worker already."
    )

    def handle(self, **options):
        worker = JobWorker(between=Shadows().catch_up)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, worker.request_stop)
        worker.run()
