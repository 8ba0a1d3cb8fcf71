"""From a fresh clone, image or volume to a running site, in one command."""

import errno
import os
import secrets
import shutil
import sys
import sysconfig
import time
from hashlib import blake2b
from pathlib import Path
from urllib.parse import quote

from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.staticfiles.finders import get_finders
from django.core.management import call_command
from django.core.management.base import CommandError, OutputWrapper
from django.db import DatabaseError, connection

from ml.forest.artifact import ForestFileError
from ml.stones import SCHEMES
from predictor import private_files
from predictor.history.locks import advisory_lock
from predictor.retraining.lock import AlreadyRunning, only_one
from predictor.signing import keys
from predictor.versions.activation import activate
from predictor.versions.live import Registry
from predictor.versions.store import register_file
from predictor.web.listening import holder, refusal

from ._plain import Forgiving, PlainCommand
from ._training import progress_bar

PATHS = ("VAR_DIR", "BAKED_DIR", "RECEIPT_KEYS_FILE", "SEALS_DIR")
"""The settings that are paths."""

# Its script, not `-m gunicorn`: on SIGUSR2 gunicorn restarts itself by its file's path, and Python
# would then look for modules in the package's folder first, where http/ would hide the standard
# library's.
GUNICORN = [
    sys.executable,
    str(Path(sysconfig.get_path("scripts"), "gunicorn")),
    "--config",
    "diamondsite/gunicorn.conf.py",
]


PREPARING = int.from_bytes(b"quickst")
"""PostgreSQL's advisory lock that is held while the database is prepared at start."""


class Command(PlainCommand):
    help = (
        "Prepare the service (secret key, database, forests, admin user, static files), then replace "
        "this process by COMMAND, by default gunicorn."
    )

    def add_arguments(self, parser):
        parser.add_argument(
            "--with-worker",
            action="store_true",
            help="if COMMAND is the server: it also runs a worker for jobs, as WITH_WORKER=true",
        )
        parser.add_argument("command", nargs="*", default=GUNICORN, metavar="COMMAND")

    def handle(self, *, command, with_worker, **options):
        refuse_unknown(command[0])
        self.stdout = OutputWrapper(Forgiving(self.stdout))
        if command == GUNICORN:
            refuse_taken_port()
        try:
            make_secret_key()
            self.make_receipt_key()
            self.prepare_database()
            self.prepare_static_files()
        except (OSError, DatabaseError, ForestFileError) as error:
            raise CommandError(f"cannot prepare: {error}") from None
        self.stdout.flush()
        hand_on_paths()
        os.chdir(settings.BASE_DIR)
        if with_worker:
            os.environ["WITH_WORKER"] = "true"
        try:
            os.execvp(command[0], command)  # noqa: S606  # nosec B606  # the operator's own command line
        except (OSError, ValueError) as error:
            raise CommandError(f"cannot run {command[0]!r}: {error}") from None

    def make_receipt_key(self):
        """Makes the key of receipts; without one, only requests for a receipt are refused."""
        try:
            keys.make()
        except keys.KeysUnusable as error:
            self.stdout.write(f"no receipts can be signed: {error}")

    def prepare_database(self):
        """Prepares the database; if several starts share one, they take turns."""
        with advisory_lock(PREPARING):
            call_command("migrate", verbosity=0)
            if missing := schemes_without_a_forest():
                self.prepare_forests(missing)
            self.prepare_admin()

    def prepare_forests(self, schemes):
        """Registers and activates the baked forests, or trains them."""
        try:
            with only_one():
                for scheme in schemes:
                    self.prepare_forest(scheme)
        except AlreadyRunning as error:
            raise CommandError(f"{error}; start again when it is done") from None

    def prepare_forest(self, scheme):
        baked = Path(settings.BAKED_DIR) / f"{scheme}.forest"
        if baked.exists():
            version = register_file(baked, "quickstart")
            activate(version, "quickstart", "start, from the baked forest")
            self.stdout.write(
                f"{version} is active: from the image, MAE {version.scores['mae']:.0f} {version.currency}"
            )
            return
        self.train_forest(scheme)

    def train_forest(self, scheme):
        # The packages for training take seconds to import, and the image has none of them.
        from ml import dataset
        from predictor.retraining.services import ALWAYS, retrain

        started = time.monotonic()
        with progress_bar(self.stdout, f"training the {scheme} forest") as progress:
            version = retrain(
                scheme, dataset.read(), "quickstart", ALWAYS, progress=progress
            ).version
        took = time.monotonic() - started
        mae = version.scores["mae"]
        self.stdout.write(
            f"{version} is active: trained in {took:.0f} s, MAE {mae:.0f} {version.currency}"
        )

    def prepare_admin(self):
        """Creates the user `admin` on the first start and prints its password once."""
        users = get_user_model().objects
        if users.exists():
            return
        password = secrets.token_urlsafe(12)
        users.create_superuser("admin", password=password)
        self.stdout.write(f"admin user: admin   password: {password}   (shown only once)")

    def prepare_static_files(self):
        """Collects static files if any has changed since they were last collected."""
        stamp = Path(settings.STATIC_ROOT) / ".collected"
        state = static_files_state()
        if stamp.exists() and stamp.read_text() == state:
            return
        shutil.rmtree(settings.STATIC_ROOT, ignore_errors=True)
        with private_files.private_umask():
            call_command("collectstatic", interactive=False, verbosity=0)
            stamp.write_text(state)


def schemes_without_a_forest():
    """The schemes without an active version whose file is present and intact: a new volume may have
    only the rows."""
    served = Registry()
    served.refresh()
    return [scheme for scheme in SCHEMES if scheme not in served.loaded()]


def static_files_state():
    """A digest that changes when a static file of any app changes."""
    digest = blake2b(digest_size=16)
    for finder in get_finders():
        for path, storage in finder.list([]):
            status = Path(storage.path(path)).stat()
            digest.update(f"{path} {status.st_size} {status.st_mtime_ns}\n".encode())
    return digest.hexdigest()


def refuse_unknown(program):
    """Raises CommandError for a program that does not exist, before anything is prepared for it."""
    if not program.strip():
        raise CommandError("COMMAND is empty: name a program or omit it")
    if not shutil.which(program):
        raise CommandError(f"cannot run {program!r}: there is no such program")


def refuse_taken_port():
    """Raises CommandError if the server cannot listen on HOST:PORT."""
    host, port = settings.HOST, settings.PORT
    try:
        refused = refusal(host, port)
    except OSError as error:
        raise CommandError(
            f"this machine has no address {host} ({error.strerror}): "
            "set HOST to 127.0.0.1 (for this machine only), 0.0.0.0 or :: (for all), or one of its own"
        ) from None
    if refused:
        raise CommandError(
            f"port {port} on {host} {_why(*refused)}: make run PORT={_other(host, port)}"
        )


def _why(address, error):
    if error.errno != errno.EADDRINUSE:
        return f"cannot be used by this user ({error.strerror}): choose another"
    user = holder(address, settings.PORT)
    if user:
        return f"is taken by {user}: stop it, or choose another"
    return "is taken: stop what uses it, or choose another"


def _other(host, port):
    """A free port close to one that is taken."""
    near = [*range(max(port + 45, 1024), 65_536), *range(port - 45, 1023, -1)]
    return next(other for other in near if not refusal(host, other))


def hand_on_paths():
    """Sets the resolved paths in the environment of the command, which runs in the project's folder."""
    for name in PATHS:
        if path := getattr(settings, name):
            os.environ[name] = str(path)
    url, file = os.environ.get("DATABASE_URL"), settings.DATABASES["default"]["NAME"]
    if url and connection.vendor == "sqlite" and Path(file).is_absolute():
        _, mark, options = url.partition("?")
        os.environ["DATABASE_URL"] = f"sqlite:///{quote(file)}{mark}{options}"


def make_secret_key():
    """Creates VAR_DIR/secret_key, readable only by its owner, if no key is set."""
    path = Path(settings.SECRET_KEY_FILE)
    if settings._wrapped.SECRET_KEY or path.exists():
        return
    private_files.make_folder(path.parent)
    aside = path.with_suffix(".part")
    with private_files.opened(aside) as file:
        file.write(secrets.token_urlsafe(50).encode())
    aside.replace(path)
