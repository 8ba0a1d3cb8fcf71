"""Trains both forests into files, without a database: for the build of the container image."""

from pathlib import Path

from django.conf import settings

from ml import dataset
from ml.forest import artifact
from ml.stones import SCHEMES
from predictor.retraining.services import train

from ._plain import PlainCommand
from ._training import progress_bar


class Command(PlainCommand):
    help = "Train both schemes into BAKED_DIR; quickstart registers them if no version is active."
    requires_system_checks = []

    def handle(self, **options):
        folder = Path(settings.BAKED_DIR)
        folder.mkdir(parents=True, exist_ok=True)
        table = dataset.read()
        for scheme in SCHEMES:
            with progress_bar(self.stdout, f"training {scheme}") as progress:
                forest = train(scheme, table, progress=progress)
            path = folder / f"{scheme}.forest"
            self.stdout.write(f"{path}: sha256 {artifact.save(forest, path)}")
