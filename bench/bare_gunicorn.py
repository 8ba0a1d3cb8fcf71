"""The project's gunicorn settings without its hooks: what the bare view is served by."""

import runpy

ours = runpy.run_path("diamondsite/gunicorn.conf.py")
globals().update({name: value for name, value in ours.items() if not callable(value)})
errorlog = "-"
wsgi_app = "django.core.wsgi:get_wsgi_application()"
