"""The WSGI environment of a request for a price; used by tests that call the application itself."""

import io


def environ_of(stream, **more):
    """That of a GET; stream: its body."""
    return {
        "REQUEST_METHOD": "GET",
        "PATH_INFO": "/api/predict",
        "QUERY_STRING": "",
        "CONTENT_TYPE": "application/json",
        "HTTP_HOST": "localhost",
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "80",
        "REMOTE_ADDR": "127.0.0.1",
        "wsgi.url_scheme": "http",
        "wsgi.errors": io.StringIO(),
        **more,
        "wsgi.input": stream,
    }
