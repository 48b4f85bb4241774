import pytest


@pytest.fixture(scope="module")
def forward(start):
    return start("--mode", "regular@0", "--set", r"gms_hosts=^localhost:\d+$").ready()


def test_only_named_hosts_recorded(upstream, forward):
    paths = [f"{host}/{name}" for host in ("localhost", "127.0.0.1") for name in ("any", "genesys/cometd")]
    for path in paths:
        upstream.plays("/" + path, b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
        url = f"http://{path.partition('/')[0]}:{upstream.port}/{path}"
        forward.send(f"GET {url} HTTP/1.1\r\nHost: gms.example\r\nConnection: close\r\n\r\n".encode())
    # Written in order: with the last of these, all of them would be there.
    upstream.plays("/last", b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
    forward.send(f"GET http://localhost:{upstream.port}/last HTTP/1.1\r\nConnection: close\r\n\r\n".encode())

    forward.exchange("/last")
    recording = forward.recorded(lambda recording: recording)
    assert [(e.request.host, e.request.target) for e in recording.exchanges] == [
        ("localhost", "/localhost/any"),
        ("localhost", "/localhost/genesys/cometd"),
        ("localhost", "/last"),
    ]
    assert recording.exchanges[0].request.headers[0] == ("Host", "gms.example")
    assert [(run.mode, run.upstream) for run in recording.runs] == [("regular", None)]
