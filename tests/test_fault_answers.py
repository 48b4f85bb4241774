"""What a bad GMS says."""

import json

import pytest

from gms_replay import bayeux, fault_answers
from gms_replay.faults import Do, Fault

HANDSHAKE = b'{"channel":"/meta/handshake","id":"1"}'
CONNECT = b'{"channel":"/meta/connect","id":"2"}'
PUBLISH = b'{"channel":"/service/chatV2/c","id":"3","data":{"operation":"sendMessage"}}'


@pytest.mark.parametrize(
    ("status", "exception", "phrase"),
    [
        (503, "com.genesyslab.gsg.GSGException", "Service Unavailable"),
        (404, "com.genesyslab.gsg.services.callback.exceptions.CallbackExceptionNotFound", "Not Found"),
        (499, "com.genesyslab.gsg.GSGException", "Status 499"),
    ],
)
def test_error_has_the_fields_of_gms(status: int, exception: str, phrase: str) -> None:
    told, headers, body = fault_answers.error(Fault("send", Do.ERROR, status=status))

    assert (told, headers) == (status, (("content-type", "application/json;charset=UTF-8"),))
    assert json.loads(body) == {"exception": exception, "message": phrase, "code": status, "phrase": phrase}
    assert body.startswith(b'{"exception":')


def test_error_may_have_words_of_ones_own() -> None:
    _, _, body = fault_answers.error(Fault("send", Do.ERROR, exception="x.Y", message=""))

    assert json.loads(body) == {"exception": "x.Y", "message": "", "code": 503, "phrase": "Service Unavailable"}


@pytest.mark.parametrize(("status_code", "advice"), [(1, "try again"), (2, "the chat is not available")])
def test_error_of_chat2_has_status_200(status_code: int, advice: str) -> None:
    status, _, body = fault_answers.error(Fault("send", Do.ERROR, status_code=status_code))

    assert status == 200
    told = json.loads(body)
    assert (told["statusCode"], told["errors"][0]["advice"]) == (status_code, advice)


@pytest.mark.parametrize("advice", [None, "none", "retry"])
def test_handshake_is_denied(advice: str | None) -> None:
    shaken, connected = json.loads(fault_answers.refused(bayeux.parse(b"[%s,%s]" % (HANDSHAKE, CONNECT)), advice))

    assert (shaken["successful"], shaken["error"]) == (False, "403::handshake_denied")
    assert shaken.get("advice") == (advice and {"reconnect": advice})
    assert (connected["successful"], "advice" in connected) == (False, False)


def test_what_was_published_is_taken_and_refused() -> None:
    told = fault_answers.failed2(bayeux.parse(b"[%s,%s]" % (PUBLISH, CONNECT)), {"statusCode": 2})

    assert json.loads(told) == [
        {"channel": "/service/chatV2/c", "data": {"statusCode": 2}},
        {"channel": "/service/chatV2/c", "id": "3", "successful": True},
        {"channel": "/meta/connect", "id": "2", "successful": False, "error": "500::server_error"},
    ]


def test_garbage_is_never_json() -> None:
    for drawn in (bytes(64), bytes(range(64)), b"\xff"):
        with pytest.raises(ValueError, match="Expecting value"):
            json.loads(fault_answers.garbage(drawn))
