"""Runs the project's commands, each in a new process like an operator's, but without the imports.

One process imports all that does not depend on settings, and forks a process for each command.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

from django.conf import settings

NURSERY = """
import gc, json, os, runpy, sys, traceback
import django.core.management, django.test.client, environs, dj_database_url, csp.constants
import joblib, numpy, psycopg, redis, yaml, jsonschema, uritemplate, inflection, psutil

def run(arguments):
    sys.argv[:] = arguments
    if sys.argv[0] == "-c":
        exec(sys.argv.pop(1), {"__name__": "__main__"})
    else:
        runpy.run_path(sys.argv[0], run_name="__main__")

def status(arguments):
    try:
        run(arguments)
    except SystemExit as end:
        if isinstance(end.code, str):
            sys.stderr.write(end.code + chr(10))
            return 1
        return end.code or 0
    except BaseException:
        traceback.print_exc()
        return 1
    return 0

gc.freeze()
for line in sys.stdin:
    order = json.loads(line)
    child = os.fork()
    if not child:
        for number, file in enumerate([os.devnull, *order["said"]]):
            os.dup2(os.open(file, os.O_RDWR), number)
        os.environ.clear()
        os.environ.update(order["environment"])
        code = status(order["arguments"])
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)  # at once: taking all modules down costs more than the start
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""


class Starts:
    """Runs `python manage.py …` or `python -c …` in forks of one process."""

    def __enter__(self):
        self.nursery = subprocess.Popen(
            [sys.executable, "-c", NURSERY],
            cwd=settings.BASE_DIR,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        return self

    def __exit__(self, *exc_info):
        self.nursery.communicate()

    def run(self, *arguments, **environment):
        """The CompletedProcess of a command with these arguments and exactly this environment."""
        with tempfile.TemporaryDirectory() as folder:
            said = [Path(folder) / name for name in ("stdout", "stderr")]
            for path in said:
                path.touch()
            order = {
                "arguments": arguments,
                "environment": environment,
                "said": list(map(str, said)),
            }
            self.nursery.stdin.write(json.dumps(order) + "\n")
            self.nursery.stdin.flush()
            status = int(self.nursery.stdout.readline())
            return subprocess.CompletedProcess(arguments, status, *(p.read_text() for p in said))
