"""Checks receipts and the seals of the history, and makes seals and keys."""

import json
import os
from uuid import UUID

from django.core.management.base import CommandError

from predictor.history import seals
from predictor.history.seals import SealError
from predictor.models import Prediction
from predictor.receipts.services import GENUINE, LARGEST, NO_FILE, judge
from predictor.signing import keys
from predictor.signing.keys import KeysUnusable

from ._plain import PlainCommand, path_name
from ._training import progress_bar

NEEDS = {"verify": "a FILE", "prove": "an ID", "rotate": "", "seal": "", "check": None}
"""What each action needs; None: it may have a FILE."""

REFUSED, UNCHECKED = 1, 3
LARGEST_PROOF = 1024 * 1024
"""Bytes of a proof: the record in it has the request and its messages."""


class Command(PlainCommand):
    help = (
        "verify FILE: check a receipt, or an answer with one, and compute its price again. "
        "rotate: sign with a new key from now on; older receipts stay valid. "
        "seal: seal the days of the history that have ended. "
        "check: compare the history with its seals. "
        "prove ID: write the proof that a record is in its day's seal. check FILE: check such a proof. "
        "Exit status: 0 genuine or done, 1 refused, 3 signed here, but its model file is missing."
    )

    def add_arguments(self, parser):
        parser.add_argument("action", choices=list(NEEDS))
        parser.add_argument("file", nargs="?", metavar="FILE or ID")

    def handle(self, *, action, file, **options):
        needed = NEEDS[action]
        if needed is not None and bool(needed) == (file is None):
            raise CommandError(f"{action} needs {needed or 'no FILE'}")
        try:
            getattr(self, f"_{action}")(*([] if file is None else [file]))
        except (KeysUnusable, SealError) as error:
            raise CommandError(str(error)) from None

    def _verify(self, file):
        verdict = judge(text_of(file, 4 * LARGEST))
        if verdict.code not in (GENUINE, NO_FILE):
            raise refusal(f"not genuine: {verdict.why}")
        if verdict.recorded is False:
            raise refusal("the receipt is genuine, but the history has another answer under its ID")
        if verdict.code == NO_FILE:
            raise CommandError(
                f"signed here, but the price was not checked: {verdict.why}", returncode=UNCHECKED
            )
        self.stdout.write(sentence_of(verdict))

    def _rotate(self):
        kid = keys.rotate()
        count = len(keys.public_keys()) - 1
        self.stdout.write(f"{kid} signs from now on; {count} older keys are published")

    def _seal(self):
        with progress_bar(self.stdout, "sealing") as move:
            sealed = [*seals.seal(lambda done: move(done, None))]
        records = sum(count for _, count in sealed)
        self.stdout.write(f"{len(sealed)} days sealed, {records:,} records, in {seals.folder()}")

    def _check(self, file=None):
        if file is not None:
            return self._check_proof(file)
        days = seals.sealed_days()
        with progress_bar(self.stdout, "comparing") as move:
            found = [seals.compare(day, lambda done: move(done, None)) for day in days]
        for one in found:
            for line in lines_of(one):
                self.stdout.write(line)
        rows, pruned = sum(one.rows for one in found), sum(one.pruned for one in found)
        counts = f"{len(days)} sealed days, {rows:,} records as sealed, {pruned:,} pruned"
        if not all(one.is_intact for one in found):
            raise refusal(f"the history or its seals were changed: {counts}")
        return self.stdout.write(f"nothing was changed: {counts}")

    def _prove(self, id_):
        try:
            prediction = Prediction.objects.filter(pk=UUID(id_)).first()
        except ValueError:
            raise CommandError(f"{id_[:40]!r} is not an ID") from None
        if prediction is None:
            raise CommandError(f"{id_} is not in the history")
        self.stdout.write(json.dumps(seals.prove(prediction), ensure_ascii=False, indent=1))

    def _check_proof(self, file):
        try:
            proof = json.loads(text_of(file, LARGEST_PROOF))
        except (ValueError, RecursionError):
            raise refusal("not a proof: it is not JSON") from None
        try:
            head = seals.proven(proof)
        except SealError as error:
            raise refusal(f"not proven: {error}") from None
        record = proof["record"]["id"]
        self.stdout.write(f"{record} is one of {head['size']:,} records sealed for {head['day']}")


def refusal(text):
    """A CommandError with the status of what is not genuine."""
    return CommandError(text, returncode=REFUSED)


def text_of(file, most):
    """The text of a file; most: its largest size in bytes. OSError, CommandError."""
    with open(path_name("FILE", file, "file"), "rb", opener=without_waiting) as opened:
        content = opened.read(most + 1)
    if len(content) > most:
        raise refusal(f"not genuine: it has over {most:,} bytes")
    try:
        return content.decode()
    except UnicodeDecodeError:
        raise refusal("not genuine: it is not text") from None


def without_waiting(path, flags):
    """Opens a file; only opening a pipe that nobody writes to does not wait."""
    number = os.open(path, flags | os.O_NONBLOCK)
    os.set_blocking(number, True)
    return number


def sentence_of(verdict):
    """A line about a genuine receipt."""
    of = verdict.content
    where = "in the history" if verdict.recorded else "not in the history any more"
    return (
        f"genuine: {of['id']}, {of['created']}, {of['scheme']} {of['version']}: {int(of['price'])} "
        f"{of['currency']}, from {of['low']:.2f} to {of['high']:.2f}; {where}"
    )


def lines_of(found):
    """What is wrong with a day, in lines; none if it is intact."""
    if found.wrong:
        yield f"{found.day}: {found.wrong}"
    if found.changed or found.missing or found.added:
        yield (
            f"{found.day}: {found.changed:,} changed, {found.missing:,} missing, {found.added:,} added"
        )
    for kind, id_ in found.named:
        yield f"{found.day}: {kind} {id_}"
