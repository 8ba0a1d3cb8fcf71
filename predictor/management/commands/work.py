"""The worker for jobs. Any number of workers may run, on any machines that share the database."""

import signal

from predictor.jobs.worker import JobWorker

from ._plain import PlainCommand


class Command(PlainCommand):
    requires_system_checks = ()  # the server's start has reported them
    help = (
        "Run the jobs that were requested in the admin, until SIGTERM: the job in progress then goes "
        "back into the queue. The server of make run has a worker already."
    )

    def handle(self, **options):
        worker = JobWorker()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, worker.request_stop)
        worker.run()
