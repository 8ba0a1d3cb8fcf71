"""No body may take much more processor time than an ordinary list of 1,000 stones.

The tests' forests are small, so an ordinary list is cheap here.
"""

import time

import pytest

from tests.bodies import bodies, ordinary

pytestmark = [pytest.mark.once, pytest.mark.usefixtures("live_models")]

MOST = 8
"""Multiples of an ordinary list; a body without a bound takes ten or more."""


@pytest.fixture(scope="module")
def all_bodies():
    """{description: Body} for all routes. Made for these tests only: they are many megabytes."""
    return bodies()


def cost(client, body, tries=2):
    """Processor seconds of a request, the best of several tries."""
    taken = []
    for _ in range(tries):
        begun = time.thread_time()
        response = client.post(body.path, body.content, body.content_type, headers=body.headers)
        taken.append(time.thread_time() - begun)
        assert response.status_code < 500
    return min(taken)


@pytest.mark.parametrize("route", ["predict", "infer", "/", "/preview/", "/file/", "/admin/login/"])
def test_no_body_of_a_route_takes_more_than_its_share(client, route, all_bodies):
    cost(client, ordinary())  # the first request loads modules
    usual = cost(client, ordinary())
    own = {what: body for what, body in all_bodies.items() if what.startswith(f"{route}: ")}
    times = {what: cost(client, body, 1) / usual for what, body in own.items()}
    dear = {what: cost(client, own[what]) / usual for what in own if times[what] > MOST}
    assert {what: times for what, times in dear.items() if times > MOST} == {}
