"""What the writer process is told of `mitmproxy.test.tflow.tflow(resp=True)`."""

from gms_replay.mitmdump.seen import Answer, Asked, Ended

ASKED = Asked(
    number=7,
    carries="",
    method=b"GET",
    scheme=b"http",
    host="address",
    port=22,
    path=b"/path",
    http_version=b"HTTP/1.1",
    authority=b"",
    fields=((b"header", b"qvalue"), (b"content-length", b"7")),
    body=b"content",
    started_at_s=946681200,
    ended_at_s=946681201,
    peer=("127.0.0.1", 22),
)
ANSWER = Answer(
    status=200,
    reason=b"OK",
    http_version=b"HTTP/1.1",
    fields=((b"header-response", b"svalue"), (b"content-length", b"7")),
    body=b"message",
    started_at_s=946681202,
    ended_at_s=946681203,
)
ENDED = Ended(number=7, at_s=946681203, answer=ANSWER, error=None, goes_on=False)
