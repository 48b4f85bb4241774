import re
import threading

import httpx

from gms_replay.mitmdump.process import listening, python

DEVICE = python("gms_replay.demo.device")
SIGN = re.compile(r"(http://\S+)")


def test_pushes_are_taken_in_order() -> None:
    with listening(DEVICE, SIGN) as (url,), httpx.Client(trust_env=False, timeout=60) as client:
        assert [client.post(url, content=push).status_code for push in (b"{}", b"\xff")] == [200, 200]

        assert [client.get(url).content for _ in range(2)] == [b"{}", b"\xff"]


def test_app_waits_for_the_next() -> None:
    got: list[bytes] = []
    with listening(DEVICE, SIGN) as (url,):
        app = threading.Thread(target=lambda: got.append(httpx.get(url, trust_env=False, timeout=60).content))
        app.start()
        httpx.post(url, content=b"wake", trust_env=False)
        app.join()

    assert got == [b"wake"]
