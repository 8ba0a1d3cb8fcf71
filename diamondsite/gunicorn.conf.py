"""How gunicorn serves the site: workers load their forests before they take a request."""

from django.conf import settings

wsgi_app = "diamondsite.wsgi:application"
bind = f"{settings.HOST}:{settings.PORT}"
workers = settings.WORKERS
worker_class = "gthread"
threads = 4
keepalive = 75
graceful_timeout = 30
control_socket_disable = True


def when_ready(server):
    """Tells where the site is, once its socket is open."""
    from predictor.registry import EXAMPLES

    home = f"http://{settings.HOST}:{settings.PORT}"
    server.log.info("home   %s/", home)
    server.log.info("API    %s%s", home, EXAMPLES[0])
    server.log.info("admin  %s/admin/", home)


def post_worker_init(worker):
    """Loads the live forests and keeps them fresh for as long as the worker lives."""
    from predictor.registry import registry

    registry.keep_fresh()
