import json
from urllib.parse import quote

import pytest

from gms_replay.errors import BayeuxError
from gms_replay.simulator import scripts

MESSAGE = '{"channel":"/meta/connect","clientId":"a"}'


def channels(query):
    return [message.channel for message in scripts.asked(query).messages]


@pytest.mark.parametrize("frame", [MESSAGE, f"[{MESSAGE}]"])
def test_messages_are_read(frame):
    assert scripts.asked(f"jsonp=a.b-c_1&message={quote(frame)}").function == "a.b-c_1"
    assert channels(f"jsonp=f&message={quote(frame)}&message={quote(frame)}") == ["/meta/connect"] * 2


@pytest.mark.parametrize(
    "query",
    [
        "",
        "jsonp=f",
        "jsonp=f&message=x",
        f"message={MESSAGE}",
        f"jsonp=&message={MESSAGE}",
        f"jsonp=a(b)&message={MESSAGE}",
        f"jsonp={'x' * 65}&message={MESSAGE}",
        f"jsonp=f&message={MESSAGE}&message=[1]",
    ],
)
def test_other_queries_are_refused(query):
    with pytest.raises(BayeuxError):
        scripts.asked(query)


def test_call_is_one_line():
    frame = json.dumps(["a\u2028b\u2029"], ensure_ascii=False).encode()
    assert scripts.call("f", frame) == b'f(["a\\u2028b\\u2029"])'
