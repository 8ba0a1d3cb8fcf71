"""The undocumented parts of packages that the code uses, with a check for each; test_insides.py
runs them."""

import inspect
import io
import os
import socket

import joblib
import numpy as np
import psycopg
from django.conf import settings


def takes(function, *names):
    """Whether a function has these parameters, in this order, and needs no others."""
    parameters = list(inspect.signature(function).parameters.values())
    others = parameters[len(names) :]
    return [one.name for one in parameters[: len(names)]] == list(names) and all(
        one.default is not one.empty or one.kind in (one.VAR_POSITIONAL, one.VAR_KEYWORD)
        for one in others
    )


def has(thing, *names):
    return all(hasattr(thing, name) for name in names)


# gunicorn


def threaded_worker():
    from gunicorn.workers.gthread import ThreadWorker

    calls = {
        "accept": ["listener"],
        "enqueue_req": ["conn"],
        "finish_request": ["conn", "fs"],
        "handle": ["conn"],
        "handle_request": ["req", "conn"],
        "is_parent_alive": [],
        "murder_pending": [],
        "on_pending_socket_readable": ["conn", "client"],
        "set_accept_enabled": ["enabled"],
    }
    return takes(ThreadWorker.check_config, "cfg", "log") and all(
        takes(getattr(ThreadWorker, name), "self", *of) for name, of in calls.items()
    )


def state_of_the_worker():
    from gunicorn.config import Config
    from gunicorn.workers.gthread import ThreadWorker

    worker = ThreadWorker(1, os.getpid(), [], None, 30, Config(), None)
    try:
        return worker.nr_conns == 0 and has(
            worker, "alive", "cfg", "pending_conns", "poller", "sockets"
        )
    finally:
        worker.tmp.close()


def connection_of_the_worker():
    from gunicorn.config import Config
    from gunicorn.workers.gthread import TConn

    ours, theirs = socket.socketpair()
    with ours, theirs:
        connection = TConn(Config(), ours, ("127.0.0.1", 1), ("127.0.0.1", 2))
        idle = (
            connection.timeout,
            connection.parser,
            connection.initialized,
            connection.data_ready,
        )
        connection.init()
        buffer = connection.parser.unreader.buf
        connection.seen = 1  # accepts an additional attribute
        return idle == (None, None, False, False) and isinstance(buffer, io.BytesIO)


def parser_of_a_connection():
    from gunicorn.config import Config
    from gunicorn.http.message import HeaderPolicy
    from gunicorn.http.parser import RequestParser
    from gunicorn.http.unreader import SocketUnreader, Unreader

    ours, theirs = socket.socketpair()
    with ours, theirs:
        parser = RequestParser(Config(), ours, ("127.0.0.1", 1))
    return (
        type(parser.unreader) is SocketUnreader
        and parser.mesg is None
        and takes(Unreader.read, "self", "size", "read_ahead")
        and HeaderPolicy._expected_100_continue is False
    )


def body_of_a_request():
    from gunicorn.http.body import ChunkedReader, LengthReader
    from gunicorn.http.errors import InvalidChunkSize, NoMoreData
    from gunicorn.http.message import Request

    errors_of_a_request = (InvalidChunkSize("0"), NoMoreData())
    return (
        LengthReader(None, 7).length == 7
        and not hasattr(ChunkedReader(None, None), "length")
        and takes(Request.force_close, "self")
        and all(isinstance(error, Exception) for error in errors_of_a_request)
    )


def settings_of_the_server():
    from gunicorn.arbiter import Arbiter
    from gunicorn.config import Config
    from gunicorn.glogging import Logger

    known = {"control_socket_disable", "limit_request_field_size", "limit_request_fields"}
    return (
        Arbiter.WORKERS == {}
        and takes(Logger.setup, "self", "cfg")
        and known <= set(Config().settings)
    )


# psycopg


def cursor_with_postgresqls_own_placeholders():
    return issubclass(psycopg.RawCursor, psycopg.Cursor)


def waiting_of_a_connection():
    from psycopg.errors import _WaitTimeout

    return (
        takes(psycopg.Connection.wait, "self", "gen", "interval", "timeout")
        and "wait" in psycopg.Cursor.execute.__code__.co_names
        and issubclass(_WaitTimeout, psycopg.Connection.OperationalError)
        and _WaitTimeout().sqlstate is None
    )


# Django


def statement_of_an_insert():
    from django.db.models.sql import InsertQuery

    from predictor.models import Prediction

    fields = Prediction._meta.concrete_fields
    query = InsertQuery(Prediction)
    query.insert_values(fields, [Prediction()])
    [(statement, values)] = query.get_compiler("default").as_sql()
    return statement.count(" VALUES ") == 1 and statement.count("%s") == len(values) == len(fields)


def connection_of_a_thread():
    from django.db import connection

    return has(
        connection,
        "Database",
        "close_at",
        "ensure_connection",
        "health_check_done",
        "in_atomic_block",
        "is_usable",
        "wrap_database_errors",
    )


def state_of_a_row():
    from django.db.models.base import ModelState

    return ModelState().adding is True and ModelState().fields_cache == {}


def store_of_headers():
    from django.http.response import ResponseHeaders

    return ResponseHeaders({"X-Frame-Options": "DENY"})._store == {
        "x-frame-options": ("X-Frame-Options", "DENY")
    }


def settings_without_their_checks():
    return settings._wrapped.SECRET_KEY == settings.SECRET_KEY


def token_of_an_answer():
    from django.middleware.csrf import get_token
    from django.test import RequestFactory

    without, given, again = (RequestFactory().get("/") for _ in range(3))
    get_token(given)
    again.META["CSRF_COOKIE"] = given.META["CSRF_COOKIE"]
    get_token(again)
    told = ["CSRF_COOKIE_NEEDS_UPDATE" in request.META for request in (without, given, again)]
    return told == [False, True, True]


def wrapper_of_views_and_chores_of_a_request():
    from django.core.cache import close_caches
    from django.core.exceptions import BadRequest
    from django.core.handlers.base import reset_urlconf
    from django.core.handlers.exception import convert_exception_to_response
    from django.db import reset_queries
    from django.test import RequestFactory

    def fails(request):
        raise BadRequest

    chores = (close_caches, reset_queries, reset_urlconf)
    refused = convert_exception_to_response(fails)(RequestFactory().get("/"))
    return refused.status_code == 400 and all(map(callable, chores))


# Django REST framework


def request_behind_a_request():
    from django.http import HttpRequest
    from rest_framework.request import Request

    plain = HttpRequest()
    request = Request(plain)
    return request._request is plain and request.parser_context["request"] is request


def steps_of_a_view():
    from rest_framework.views import APIView

    return (
        takes(APIView.initial, "self", "request")
        and takes(APIView.finalize_response, "self", "request", "response")
        and isinstance(APIView.default_response_headers, property)
        and has(
            APIView, "check_permissions", "check_throttles", "get_authenticators", "get_permissions"
        )
    )


def steps_of_a_token():
    from rest_framework.authentication import TokenAuthentication

    return takes(TokenAuthentication.authenticate_credentials, "self", "key")


# Others


def values_of_the_metrics():
    from prometheus_client import Counter, mmap_dict, values

    return (
        takes(values.MultiProcessValue, "process_identifier")
        and isinstance(values.ValueClass, type)
        and "ValueClass" in Counter._metric_init.__code__.co_names
        and "= MmapedDict(filename)" in inspect.getsource(values.MultiProcessValue)
        and takes(mmap_dict.MmapedDict, "filename")
    )


def form_of_a_range():
    from rangefilter.filters import DateTimeRangeFilter, NumericRangeFilter

    return takes(DateTimeRangeFilter._get_form_fields, "self") and all(
        takes(one.queryset, "self", "request", "queryset")
        for one in (DateTimeRangeFilter, NumericRangeFilter)
    )


def value_of_a_variable():
    from environs import Env

    return takes(Env._get_value, "self", "env_key", "default")


def parts_of_a_policy():
    from csp.middleware import CSPMiddleware, PolicyParts

    return PolicyParts().replace is None and takes(
        CSPMiddleware.get_policy_parts, "self", "request", "response", "report_only"
    )


def nodes_of_a_tree():
    from sklearn.ensemble import ExtraTreesRegressor

    stones = np.random.default_rng(1).random((50, 3))
    forest = ExtraTreesRegressor(2, random_state=1).fit(stones, stones[:, 0])
    tree = forest.estimators_[0].tree_
    inner = np.flatnonzero(tree.children_left >= 0)
    drawn = [np.sort(rows).tolist() for rows in forest.estimators_samples_]
    return (tree.children_left[inner] == inner + 1).all() and drawn == [list(range(50))] * 2


def pickle_before_a_trailer(tmp_path):
    path = tmp_path / "forest"
    with path.open("wb") as file:
        joblib.dump({"nodes": np.arange(1000)}, file, protocol=4)
        file.write(b"trailer" * 20)
    with path.open("rb") as file:
        nodes = joblib.load(f"/dev/fd/{file.fileno()}", mmap_mode="r")["nodes"]
    return isinstance(nodes, np.memmap) and nodes[999] == 999


def source_file_of_logging():
    import logging

    return "_srcfile" in logging.Logger.findCaller.__globals__


INSIDES = [
    ("gunicorn", "ThreadWorker's methods, which diamondsite/worker.py replaces", threaded_worker),
    ("gunicorn", "ThreadWorker's connections and poller", state_of_the_worker),
    ("gunicorn", "a connection's buffer: parser.unreader.buf", connection_of_the_worker),
    (
        "gunicorn",
        "a parser's unreader and mesg, a request's _expected_100_continue",
        parser_of_a_connection,
    ),
    (
        "gunicorn",
        "what is left of a body, and the errors of one that is cut short",
        body_of_a_request,
    ),
    ("gunicorn", "Arbiter.WORKERS, Logger.setup, control_socket_disable", settings_of_the_server),
    ("psycopg", "RawCursor", cursor_with_postgresqls_own_placeholders),
    ("psycopg", "Connection.wait, its time limit and its error", waiting_of_a_connection),
    ("django", "InsertQuery and its compiler", statement_of_an_insert),
    ("django", "a connection's state", connection_of_a_thread),
    ("django", "ModelState and its fields_cache: a row's _state", state_of_a_row),
    ("django", "ResponseHeaders._store", store_of_headers),
    ("django", "settings._wrapped", settings_without_their_checks),
    ("django", "CSRF_COOKIE_NEEDS_UPDATE: that an answer was given a token", token_of_an_answer),
    (
        "django",
        "convert_exception_to_response, and what is done around each request",
        wrapper_of_views_and_chores_of_a_request,
    ),
    ("djangorestframework", "Request._request and parser_context", request_behind_a_request),
    ("djangorestframework", "the steps of an APIView", steps_of_a_view),
    ("djangorestframework", "TokenAuthentication.authenticate_credentials", steps_of_a_token),
    (
        "prometheus-client",
        "values.ValueClass, MultiProcessValue and MmapedDict",
        values_of_the_metrics,
    ),
    (
        "django-admin-rangefilter",
        "_get_form_fields, and what queryset makes of the form",
        form_of_a_range,
    ),
    ("environs", "Env._get_value", value_of_a_variable),
    ("django-csp", "get_policy_parts and its `replace`", parts_of_a_policy),
    ("scikit-learn", "a tree's nodes in preorder, estimators_samples_", nodes_of_a_tree),
    ("joblib", "a pickle that a trailer follows, its arrays mapped", pickle_before_a_trailer),
    ("python", "logging._srcfile", source_file_of_logging),
]
"""(package, the part of it that is used, a check that it is unchanged)"""
