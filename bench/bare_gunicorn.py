"""The project's gunicorn settings without its hooks, to serve the bare view."""

import runpy

ours = runpy.run_path("diamondsite/gunicorn.conf.py")
globals().update({name: value for name, value in ours.items() if not callable(value)})
errorlog = "-"
wsgi_app = "django.core.wsgi:get_wsgi_application()"
