"""The app, held to a recorded visit: offline, and in no time, though its customer waited for half a minute.

`pytest` plays the visit. `pytest --gms-record=all --gms-upstream https://gms.example/genesys` records it anew.
"""

from collections.abc import Iterator

import httpx
import pytest
from callback_app import Callback

pytestmark = pytest.mark.gms_cassette("wait.sqlite")


@pytest.fixture
def app(gms_server) -> Iterator[Callback]:
    """The app, as it is: over the network. It shall not wait between its polls."""
    with httpx.Client(base_url=gms_server.base_url, headers={"gms_user": "annaberg4711"}) as http:
        yield Callback(http, pause=lambda _: None)


def test_customer_gets_number_and_code(app):
    assert app.start() == "We will notify you when agent is available"
    app.wait()

    assert app.positions == sorted(app.positions, reverse=True)
    number, code = app.accept()
    assert number.startswith("+")
    assert code.isdigit()


def test_same_without_a_network(gms_transport):
    with httpx.Client(transport=gms_transport, base_url="https://gms.example/genesys") as http:
        app = Callback(http, pause=lambda _: None)
        app.start()
        app.wait()

        assert app.positions[-1] == 0


@pytest.mark.gms_cassette("wait.sqlite", clock="real")
def test_customer_waits_as_long_as_the_clock_says(app, gms_clock):
    app.start()
    gms_clock.advance(60)
    app.wait()

    assert app.positions == [0]
