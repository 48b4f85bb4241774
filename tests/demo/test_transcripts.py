from gms_replay.demo.transcripts import dump, load
from gms_replay.diff import Seen, Transcript


def test_transcript_survives_as_text() -> None:
    answers = (Seen("GET /a?b=c", 404, (("Set-Cookie", "a"), ("Set-Cookie", "ü")), b'{"broken\xff'),)
    transcript = Transcript("http://gms:8080", 1, answers, {"/_genesys": (b'{"data": "\xc3\xa9"}', b"2")})

    assert load(dump(transcript)) == transcript
