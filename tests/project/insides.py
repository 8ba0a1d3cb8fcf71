"""The undocumented parts of packages that the code uses; test_insides.py checks that they are there."""

INSIDES = [
    # (package, what is used of it, {place: the parameters that its callers give})
    (
        "gunicorn",
        "ThreadWorker's methods, which diamondsite/worker.py replaces",
        {
            "gunicorn.workers.gthread:ThreadWorker.accept": ["self", "listener"],
            "gunicorn.workers.gthread:ThreadWorker.check_config": ["cfg", "log"],
            "gunicorn.workers.gthread:ThreadWorker.enqueue_req": ["self", "conn"],
            "gunicorn.workers.gthread:ThreadWorker.finish_request": ["self", "conn", "fs"],
            "gunicorn.workers.gthread:ThreadWorker.handle": ["self", "conn"],
            "gunicorn.workers.gthread:ThreadWorker.handle_request": ["self", "req", "conn"],
            "gunicorn.workers.gthread:ThreadWorker.is_parent_alive": ["self"],
            "gunicorn.workers.gthread:ThreadWorker.murder_pending": ["self"],
            "gunicorn.workers.gthread:ThreadWorker.on_pending_socket_readable": [
                *("self", "conn", "client"),
            ],
            "gunicorn.workers.gthread:ThreadWorker.run": ["self"],
            "gunicorn.workers.gthread:ThreadWorker.set_accept_enabled": ["self", "enabled"],
            "gunicorn.workers.gthread:ThreadWorker.wait_for_and_dispatch_events": [
                *("self", "timeout"),
            ],
            "gunicorn.workers.gthread:PollableMethodQueue.defer": ["self", "callback"],
        },
    ),
    (
        "gunicorn",
        "a parser's unreader.buf and mesg, a request's _expected_100_continue and force_close",
        {
            "gunicorn.http.parser:RequestParser": ["cfg", "source", "source_addr"],
            "gunicorn.http.unreader:Unreader.read": ["self", "size", "read_ahead"],
            "gunicorn.http.message:HeaderPolicy._expected_100_continue": None,
            "gunicorn.http.message:Request.force_close": ["self"],
            "gunicorn.http.message:Message.set_body_reader": ["self"],
        },
    ),
    (
        "gunicorn",
        "what is left of a body, and the errors of one that is cut short",
        {
            "gunicorn.http.body:LengthReader": ["unreader", "length"],
            "gunicorn.http.body:ChunkedReader": ["req", "unreader"],
            "gunicorn.http.errors:InvalidChunkSize": ["data"],
            "gunicorn.http.errors:NoMoreData": [],
        },
    ),
    (
        "gunicorn",
        "Arbiter.WORKERS, Logger.setup",
        {
            "gunicorn.arbiter:Arbiter.WORKERS": None,
            "gunicorn.glogging:Logger.setup": ["self", "cfg"],
        },
    ),
    ("psycopg", "RawCursor", {"psycopg:RawCursor": ["connection"]}),
    (
        "psycopg",
        "Connection.wait, its time limit and its error",
        {
            "psycopg:Connection.wait": ["self", "gen", "interval", "timeout"],
            "psycopg.errors:_WaitTimeout": [],
        },
    ),
    (
        "django",
        "InsertQuery and its compiler",
        {"django.db.models.sql:InsertQuery.insert_values": ["self", "fields", "objs"]},
    ),
    (
        "django",
        "a connection's state",
        {
            f"django.db.backends.base.base:BaseDatabaseWrapper.{name}": None
            for name in (
                "connect",
                "ensure_connection",
                "inc_thread_sharing",
                "is_usable",
                "wrap_database_errors",
            )
        },
    ),
    (
        "django",
        "ModelState and its fields_cache: a row's _state",
        {"django.db.models.base:ModelState": []},
    ),
    ("django", "settings._wrapped", {"django.conf:settings._wrapped": None}),
    (
        "django",
        "CSRF_COOKIE_NEEDS_UPDATE: that an answer was given a token",
        {"django.middleware.csrf:get_token": ["request"]},
    ),
    (
        "django",
        "convert_exception_to_response",
        {"django.core.handlers.exception:convert_exception_to_response": ["get_response"]},
    ),
    (
        "djangorestframework",
        "Request._request and parser_context",
        {"rest_framework.request:Request": ["request"]},
    ),
    (
        "djangorestframework",
        "the steps of an APIView",
        {
            "rest_framework.views:APIView.initial": ["self", "request"],
            "rest_framework.views:APIView.finalize_response": ["self", "request", "response"],
            "rest_framework.views:APIView.check_permissions": ["self", "request"],
            "rest_framework.views:APIView.check_throttles": ["self", "request"],
            "rest_framework.views:APIView.get_authenticators": ["self"],
            "rest_framework.views:APIView.get_permissions": ["self"],
        },
    ),
    (
        "djangorestframework",
        "TokenAuthentication.authenticate_credentials",
        {
            "rest_framework.authentication:TokenAuthentication.authenticate_credentials": [
                *("self", "key"),
            ]
        },
    ),
    (
        "prometheus-client",
        "values.ValueClass, MultiProcessValue and MmapedDict, here and in multiprocess",
        {
            "prometheus_client.values:ValueClass": None,
            "prometheus_client.values:MultiProcessValue": ["process_identifier"],
            "prometheus_client.values:MmapedDict": ["filename"],
            "prometheus_client.multiprocess:MmapedDict.read_all_values_from_file": ["filename"],
        },
    ),
    (
        "django-admin-rangefilter",
        "_get_form_fields, and what queryset makes of the form",
        {
            "rangefilter.filters:DateTimeRangeFilter._get_form_fields": ["self"],
            "rangefilter.filters:DateTimeRangeFilter.queryset": ["self", "request", "queryset"],
            "rangefilter.filters:NumericRangeFilter.queryset": ["self", "request", "queryset"],
        },
    ),
    ("environs", "Env._get_value", {"environs:Env._get_value": ["self", "env_key", "default"]}),
    (
        "django-csp",
        "get_policy_parts and its `replace`",
        {
            "csp.middleware:CSPMiddleware.get_policy_parts": [
                *("self", "request", "response", "report_only"),
            ],
            "csp.middleware:PolicyParts": [],
        },
    ),
    (
        "scikit-learn",
        "a tree's nodes in preorder, estimators_samples_; a boosting's _predictors, _baseline_prediction",
        {
            "sklearn.ensemble:ExtraTreesRegressor.estimators_samples_": None,
            "sklearn.ensemble._hist_gradient_boosting.predictor:TreePredictor": [
                "nodes",
                "binned_left_cat_bitsets",
                "raw_left_cat_bitsets",
            ],
        },
    ),
    (
        "joblib",
        "a pickle that a trailer follows, its arrays mapped",
        {"joblib:load": ["filename", "mmap_mode"]},
    ),
]
"""Whether they still work together as the code needs it shows in the tests of the code that uses them."""
