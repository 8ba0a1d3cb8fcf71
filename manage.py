#!/usr/bin/env python
"""Django's command line: the project's commands (quickstart, retrain, backup and others) and
Django's own."""

import os
import sys

from diamondsite import streams


def main():
    streams.open_missing()
    try:
        run()
    finally:
        lost = streams.lost_output()
    if lost:
        sys.exit(f"{sys.argv[0]}: what it has to say cannot be written: {lost.strerror}")


def run():
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "diamondsite.settings")
    from django.core.exceptions import ImproperlyConfigured
    from django.core.management import execute_from_command_line
    from django.db import Error as DatabaseUnusable
    from environs import EnvError

    from predictor.management.commands._plain import in_one_line
    from predictor.retraining.packages import MISSING, is_missing

    try:
        execute_from_command_line(sys.argv)
    except KeyboardInterrupt:
        sys.exit(130)
    except (ImproperlyConfigured, EnvError) as error:
        sys.exit(f"{sys.argv[0]}: wrong setting: {error}")
    except ImportError as error:
        if not is_missing(error) or "--traceback" in sys.argv:
            raise
        sys.exit(f"{sys.argv[0]}: {MISSING} ({error.name} is not installed)")
    except EOFError:
        sys.exit(f"{sys.argv[0]}: the command asks for input and needs a terminal")
    except DatabaseUnusable as error:  # of Django's own commands
        if "--traceback" in sys.argv:
            raise
        sys.exit(f"{sys.argv[0]}: {in_one_line(error)}")


if __name__ == "__main__":
    main()
