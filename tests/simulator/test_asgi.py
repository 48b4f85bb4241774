import asyncio
import json

import pytest

from gms_replay.simulator.asgi import SimulatedGms
from gms_replay.simulator.settings import Settings

HANDSHAKE = {"channel": "/meta/handshake", "version": "1.0"}


def test_json_says_its_charset(app):
    answers = [app.http.post("/1/service/callback/samples"), app.http.post("/cometd", json=[HANDSHAKE])]
    assert [answer.headers["content-type"] for answer in answers] == ["application/json;charset=UTF-8"] * 2


@pytest.mark.parametrize(("accepted", "coding"), [("gzip, deflate", "gzip"), ("identity", None)])
def test_long_answers_are_gzipped(app, accepted, coding):
    path = f"/1/service/{app.start()}/get-dialog-user-confirmation-provide_code-true"
    answer = app.http.post(path, headers={"Accept-Encoding": accepted})
    assert (answer.headers.get("content-encoding"), answer.json()["_action"]) == (coding, "DisplayMenu")


def test_short_answers_stay_plain(app):
    answer = app.http.post("/1/service/callback/samples", headers={"Accept-Encoding": "gzip"})
    assert "content-encoding" not in answer.headers


@pytest.mark.parametrize("suffix", ["", "/", "/handshake", "/connect", "/disconnect"])
def test_comet_answers_below_suffixes(app, suffix):
    answer = app.http.post(f"/cometd{suffix}", json=[HANDSHAKE])
    assert answer.json()[0]["successful"]


def test_other_comet_paths_are_unknown(app):
    assert app.http.post("/cometd/other", json=[HANDSHAKE]).status_code == 404


@pytest.mark.parametrize("path", ["/", "/genesysx/1/service", "/cometd"])
def test_outside_is_not_found(app, path):
    url = app.base_url.removesuffix("/genesys") + path
    assert app.http.post(url, json=[HANDSHAKE]).status_code == 404


def test_large_bodies_are_refused(app):
    answer = app.http.post("/1/service/callback/samples", content=b"x" * (2 << 20))
    assert answer.status_code == 413


def test_close_leaves_no_tasks(device_of):
    device = device_of(500)

    async def ask(gms, path, **fields):
        sent = []

        async def receive():
            return {"type": "http.request", "body": json.dumps(fields).encode()}

        async def send(event):
            sent.append(event)

        headers = [(b"host", b"gms"), (b"content-type", b"application/json")]
        scope = {
            "type": "http",
            "method": "POST",
            "scheme": "http",
            "path": path,
            "query_string": b"",
            "headers": headers,
        }
        await gms(scope, receive, send)
        return json.loads(sent[1]["body"])

    async def scene():
        gms = SimulatedGms(Settings(quick=True))
        start = "/genesys/1/service/callback/samples"
        started = await ask(gms, start, _wait_for_agent="true", **device.fields)
        await ask(gms, f"/genesys/1/service/{started['_id']}/ixn/chat")
        await ask(gms, start)
        await asyncio.to_thread(device.next_push)
        before = len(asyncio.all_tasks())
        await gms.close()
        await ask(gms, start)
        return before, len(asyncio.all_tasks())

    before, after = asyncio.run(scene())
    assert (before > 1, after) == (True, 1)
