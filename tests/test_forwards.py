"""What a recorded app says to a live GMS: identities, places, URLs and instants, forwards."""

import json

import pytest
from factories import SERVICE, START_US, TOKEN, Tape, slots

from gms_replay import gms, instants
from gms_replay.forwards import Forwards

LIVE = "9ZZZ3S31693JL9L3R0O5O6T4OC00LIVE"
DAY_US = 86_400 * 1_000_000
WEEK_US = 7 * DAY_US
# 2014-05-02T16:27:30Z was a Friday; this is a Sunday.
NOW_US = START_US + 1000 * WEEK_US + 2 * DAY_US
CALLBACK = "/genesys/1/service/callback/support"


def forwards(base="/genesys", now_us=NOW_US):
    return Forwards({SERVICE, "8d2f6a0c41b75e93"}, ("/genesys", base), start_us=START_US, now_us=now_us)


def said(one, method, target, text=b"", headers=()):
    request = Tape().request(1, method, target, text, headers)
    return one.request(request, gms.recognise(method, target, request.body.plain))


def told(one, recorded, live):
    one.learn(json.dumps(recorded).encode(), json.dumps(live).encode())


def test_identities_are_the_live_ones():
    one = forwards()
    told(one, {"_id": SERVICE}, {"_id": LIVE})
    asked = said(one, "POST", f"/genesys/1/service/{SERVICE}/send", f'{{"id": "{SERVICE}", "n":  1}}')
    assert (asked.url, asked.body) == (f"/genesys/1/service/{LIVE}/send", f'{{"id": "{LIVE}", "n":  1}}'.encode())


def test_what_was_told_first_stays():
    one = forwards()
    told(one, {"_id": SERVICE}, {"_id": LIVE})
    told(one, [{"_id": SERVICE}], [{"_id": "another's"}])
    assert said(one, "DELETE", f"{CALLBACK}/{SERVICE}").url.endswith(LIVE)


def test_credentials_may_change():
    one = forwards()
    told(one, {"alias": "117", "secureKey": "8d2f6a0c41b75e93"}, {"alias": "5", "secureKey": "k1"})
    told(one, {"alias": "117", "secureKey": "8d2f6a0c41b75e93"}, {"alias": "6", "secureKey": "k2"})
    asked = said(one, "POST", "/genesys/2/chat/support/c/send", "alias=117&secureKey=8d2f6a0c41b75e93&message=117")
    assert asked.body == b"alias=6&secureKey=k2&message=117"


def test_the_base_may_be_another():
    assert said(forwards("/gms"), "GET", f"{CALLBACK}/availability").url == f"/gms{CALLBACK[8:]}/availability"


def test_urls_of_live_answers_are_followed():
    one = forwards()
    here, there = f"http://a:8080/genesys/1/service/{SERVICE}/ixn/chat", "http://b/node7/1/service/L1/ixn/chat"
    told(one, {"_start_chat_url": here}, {"_start_chat_url": there})
    assert said(one, "POST", here.removeprefix("http://a:8080")).url == there


def test_of_several_urls_the_one_that_was_asked_is_followed():
    one = forwards()
    here = f"http://a/genesys/1/service/{SERVICE}/ixn/chat"
    recorded = {"_start_chat_url": here, "_resource_url": f"{here}?a=1", "_user_action_url": f"{here}/refresh"}
    told(one, recorded, {name: url.replace("http://a/", f"http://{name}/") for name, url in recorded.items()})
    asked = [said(one, "POST", here.removeprefix("http://a") + query).url for query in ("", "?a=1", "?a=2")]
    assert asked == [
        here.replace("//a/", "//_start_chat_url/"),
        f"{here.replace('//a/', '//_resource_url/')}?a=1",
        f"{here.replace('//a/', '//_start_chat_url/')}?a=2",
    ]


@pytest.mark.parametrize("there", ["http://[::1/genesys", "http://b:99999/1", "http://b:x/1", "http://:80/1"])
def test_what_is_no_url_is_not_followed(there):
    one = forwards()
    here = f"http://a:8080/genesys/1/service/{SERVICE}/ixn/chat"
    told(one, {"_start_chat_url": here}, {"_start_chat_url": there})
    assert said(one, "POST", here.removeprefix("http://a:8080")).url == here.removeprefix("http://a:8080")


def test_identities_are_escaped_where_they_stand():
    one = forwards()
    told(one, {"_id": SERVICE}, {"_id": "a/b ü&"})
    asked = said(one, "POST", f"/genesys/1/service/{SERVICE}/send", f"_id={SERVICE}")
    assert (asked.url, asked.body) == ("/genesys/1/service/a%2Fb%20%C3%BC%26/send", b"_id=a%2Fb+%C3%BC%26")


def test_a_url_that_leads_elsewhere_is_not_followed():
    one = forwards()
    menu = {"items": [{"_user_action_url": f"http://a/genesys/1/service/{SERVICE}/connect"}]}
    told(one, menu, {"items": [{"_user_action_url": f"http://a/genesys/1/service/{LIVE}/office-hours"}]})
    assert said(one, "POST", f"/genesys/1/service/{SERVICE}/connect").url.endswith(f"{SERVICE}/connect")


def test_places_in_a_chat_are_the_live_ones():
    one = forwards()
    told(one, {"transcriptPosition": "5"}, {"transcriptPosition": "7"})
    asked = said(one, "POST", f"/genesys/1/service/{SERVICE}/ixn/chat/refresh", {"transcriptPosition": "5"})
    assert json.loads(asked.body) == {"transcriptPosition": "7"}


@pytest.mark.parametrize(
    ("recorded", "meant"),
    [
        ("2014-05-06T10:00:00.000Z", "2033-07-12T10:00:00.000Z"),  # a Tuesday stays one, and ahead
        ("2014-05-06T10:00+02:00", "2033-07-12T10:00+02:00"),
        ("2014-05-02T16:27:31.000Z", "2033-07-03T16:27:31.000Z"),  # now is now
    ],
)
def test_instants_of_its_own_move(recorded, meant):
    asked = said(forwards(), "POST", CALLBACK, {"_desired_time": recorded, "_customer_number": "1415550123"})
    assert json.loads(asked.body) == {"_desired_time": meant, "_customer_number": "1415550123"}
    assert instants.parse(meant) is not None


def test_what_happened_moves_as_the_visit_does():
    asked = said(
        forwards(), "POST", f"/genesys/1/service/{SERVICE}/ixn/chat/send", {"made": "2014-04-30T10:00:00.000Z"}
    )
    assert json.loads(asked.body) == {"made": "2033-07-01T10:00:00.000Z"}


def test_slots_are_those_at_the_same_place():
    one = forwards()
    one.learn(
        slots("2014-05-02T16:30:00.000Z", "2014-05-02T16:35:00.000Z"),
        slots("2033-07-04T08:00:00.000Z", "2033-07-04T08:15:00.000Z"),
    )
    assert (
        b"2033-07-04T08:15:00.000Z"
        in said(one, "PUT", f"{CALLBACK}/{SERVICE}", {"_new_desired_time": "2014-05-02T16:35:00.000Z"}).body
    )


def test_where_slots_are_fewer_the_nearest_later_counts():
    one = forwards()
    recorded = ("2014-05-05T08:00:00.000Z", "2014-05-05T08:05:00.000Z", "2014-05-05T08:10:00.000Z")
    one.learn(slots(*recorded), slots("2033-07-04T08:00:00.000Z", "2033-07-04T09:00:00.000Z"))
    asked = said(one, "POST", CALLBACK, {"_desired_time": recorded[2]})
    assert json.loads(asked.body)["_desired_time"] == "2033-07-04T09:00:00.000Z"


def test_where_no_slots_are_left_weeks_count():
    one = forwards()
    one.learn(slots("2014-05-06T10:00:00.000Z"), slots())
    asked = said(one, "POST", CALLBACK, {"_desired_time": "2014-05-06T10:00:00.000Z"})
    assert json.loads(asked.body) == {"_desired_time": "2033-07-12T10:00:00.000Z"}


def test_slots_of_version_2_are_told_the_same():
    one = forwards()
    recorded = {"slots": [{"utcTime": "2014-05-05T08:00:00.000Z", "localTime": "2014-05-05T10:00:00.000"}]}
    told(one, recorded, {"slots": [{"utcTime": "2033-07-04T07:00:00.000Z", "localTime": "2033-07-04T09:00:00.000"}]})
    asked = said(one, "POST", CALLBACK, "_desired_time=2014-05-05T08%3A00%3A00.000Z")
    assert asked.body == b"_desired_time=2033-07-04T07%3A00%3A00.000Z"


def test_windows_of_slots_move_by_weeks():
    tuesday = instants.read("2014-05-06T00:00:00Z") // 1000
    asked = said(forwards(), "GET", f"/genesys/2/service/callback/support/availability?start-ms={tuesday}&timezone=UTC")
    assert asked.url.endswith(f"start-ms={tuesday + 1001 * WEEK_US // 1000}&timezone=UTC")


def test_what_the_app_says_by_itself_is_said_again():
    sent = (("gms_user", "bob"), ("Cookie", "own=1; JSESSIONID=old"), ("Content-Length", "9"))
    one = forwards()
    one.learn_headers((("Set-Cookie", "JSESSIONID=old; Path=/"),), ())
    asked = said(one, "POST", CALLBACK, {"_device_notification_id": TOKEN}, sent)
    assert TOKEN.encode() in asked.body
    assert asked.cookies == "own=1"
    assert ("gms_user", "bob") in asked.headers
    assert not {"host", "cookie", "content-length"} & dict(asked.headers).keys()


def test_headers_of_their_own_tell_identities_too():
    one = forwards()
    recorded = (("X-Visit", SERVICE), ("X-Gone", "8d2f6a0c41b75e93"), ("Location", SERVICE))
    one.learn_headers(recorded, (("x-visit", LIVE), ("Location", "elsewhere")))
    asked = said(one, "POST", f"{CALLBACK}/{SERVICE}", b"", (("X-Visit", SERVICE), ("X-Gone", "8d2f6a0c41b75e93")))
    assert asked.url == f"{CALLBACK}/{LIVE}"
    assert dict(asked.headers).items() >= {"x-visit": LIVE, "x-gone": "8d2f6a0c41b75e93"}.items()


def test_what_does_not_parse_goes_forwards_too():
    one = forwards()
    told(one, {"_id": SERVICE}, {"_id": LIVE})
    odd = f'{{"_id": "{SERVICE}",\n "text": "a\nb",}}'
    assert said(one, "POST", CALLBACK, odd).body == odd.replace(SERVICE, LIVE).encode()


def test_what_is_published_goes_forwards():
    one = forwards()
    told(one, {"secureKey": "8d2f6a0c41b75e93"}, {"secureKey": "live0key"})
    assert one.data(b'{"data": {"secureKey": "8d2f6a0c41b75e93"}}', START_US) == b'{"data": {"secureKey": "live0key"}}'
