import pytest

from gms_replay.simulator.refusals2 import ChatError, Code


def test_refusals_say_what_to_do():
    assert ChatError(Code.PARAMETER, "Parameter message is missing").told() == {
        "statusCode": 1,
        "chatEnded": False,
        "errors": [{"code": 100, "advice": "Parameter message is missing"}],
    }


@pytest.mark.parametrize(
    ("code", "status", "ended"),
    [
        (Code.OPERATION, 1, False),
        (Code.CHAT_UNKNOWN, 2, False),
        (Code.CREDENTIALS, 2, False),
        (Code.CHAT_ENDED, 2, True),
    ],
)
def test_status_says_whether_to_try_again(code, status, ended):
    told = ChatError(code, "").told()
    assert (told["statusCode"], told["chatEnded"]) == (status, ended)
