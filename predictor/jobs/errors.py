"""Why a job is refused, or ends before it is done."""


class JobRefused(Exception):
    """A job that cannot be requested now; its text is for the user."""


class JobFailed(Exception):
    """Raised by a job that cannot be done; its text is for the user."""


class Interrupted(BaseException):
    """Ends a running job at its next report of progress. Not an Exception, so that no job catches it."""


class Stopped(Interrupted):
    """A user has stopped the job."""


class OutOfTime(Interrupted):
    """The job has run longer than its kind may."""


class Released(Interrupted):
    """The worker is asked to end: another one begins the job again."""


class NotOurs(Interrupted):
    """Another worker has the job, or it was closed meanwhile."""
