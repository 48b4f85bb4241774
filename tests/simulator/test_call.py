import pytest

from gms_replay.simulator.call import Call, Caller, json_answer, refusal_answer
from gms_replay.simulator.refusals import RefusalError, Wrong


def call(headers=(), body=b"", query=""):
    return Call("10.0.0.1", "POST", "http://gms/genesys", ("1",), query, headers, body)


def test_user_comes_from_header():
    assert (call((("GMS_User", "stan"),)).user, call().user) == ("stan", "")


def test_callers_have_an_address():
    assert call((("gms_user", "stan"),)).caller == Caller("stan", "10.0.0.1")


def test_body_wins_over_query():
    asked = call((("content-type", "application/json"),), b'{"a": "body"}', "a=query&b=2")
    assert asked.fields() == {"a": "body", "b": "2"}


@pytest.mark.parametrize(("content_type", "status"), [("application/json", 400), ("text/xml", 415)])
def test_bad_bodies_are_refused(content_type, status):
    with pytest.raises(RefusalError) as caught:
        call((("content-type", content_type),), b"<a/>").fields()
    assert caught.value.status == status


def test_answers_are_compact_utf8():
    answer = json_answer({"a": "é"})
    assert (answer.status, answer.body, answer.content_type) == (
        200,
        '{"a":"é"}'.encode(),
        "application/json;charset=UTF-8",
    )


def test_refusals_are_answers():
    answer = refusal_answer(RefusalError(404, Wrong.NOT_FOUND, "gone"))
    assert (answer.status, answer.body) == (
        404,
        b'{"exception":"com.genesyslab.gsg.services.callback.exceptions.CallbackExceptionNotFound",'
        b'"message":"gone","code":404,"phrase":"Not Found"}',
    )
