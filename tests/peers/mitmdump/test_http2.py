import httpx
from push_providers import push_providers

from gms_replay.model import Body, header


def test_push_over_http2_names_its_server(start, confdir, tmp_path):
    mitmdump = start("--mode", "regular@0", "--set", "ssl_insecure=true").ready()
    proxy = f"http://127.0.0.1:{mitmdump.ports[0]}"
    path = "/3/device/two"

    # Their certificate is mitmproxy's own: the recorder is told not to mind.
    with push_providers(tmp_path, confdir / "mitmproxy-ca.pem") as providers:
        with httpx.Client(http2=True, verify=False, trust_env=False, proxy=proxy) as client:
            answer = client.post(f"{providers.url}{path}", content=b"{}", headers={"apns-topic": "t", "apns-id": "1"})
        came = providers.next()

    exchange = mitmdump.exchange(path)
    request = exchange.request
    assert (answer.http_version, request.http_version, request.scheme) == ("HTTP/2", "HTTP/2.0", "https")
    assert (came.http_version, came.path) == ("2", path)
    assert request.headers[0] == ("host", f"localhost:{providers.port}")
    assert header(request.headers, "apns-topic") == "t"
    assert (exchange.response.status, exchange.response.body) == (200, Body())
    (push,) = mitmdump.recorded(lambda recording: recording.pushes)
    assert (push.exchange_id, push.provider, push.payload) == (exchange.id, "apns", b"{}")
