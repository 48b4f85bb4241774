import pytest

from gms_replay import marks
from gms_replay.errors import OptionError
from gms_replay.forwards import Said
from gms_replay.verify.own_headers import parse, put, read, unknown

SAID = Said("GET", "/genesys", (("apikey", "stand-in"), ("x-odd", "1"), ("APIKEY", "again")), "a=1; b=2", b"")


@pytest.mark.parametrize(
    ("text", "header"),
    [
        ("apikey: 12:34", ("apikey", "12:34")),
        ("Authorization:Basic YQ==", ("authorization", "Basic YQ==")),
        ("x-empty:", ("x-empty", "")),
        ("x-user: Jürgen", ("x-user", "J\xc3\xbcrgen")),
    ],
)
def test_header_is_read_as_it_goes_out(text, header):
    assert parse(text) == header


@pytest.mark.parametrize(
    "text", ["sesame", ": sesame", "two words: sesame", "a: sesame\nb: c", "host: h", "Te: sesame"]
)
def test_what_is_no_header_is_refused_without_its_value(text):
    with pytest.raises(OptionError, match="--header") as refused:
        parse(text)
    assert "sesame" not in str(refused.value)


def test_headers_in_a_file_stand_in_no_list_of_processes(tmp_path):
    file = tmp_path / "headers"
    file.write_text("ApiKey: 12:34\n\nx-user: Jürgen\n", "utf-8")
    assert read([f"@{file}", "x-odd: 1"]) == (("apikey", "12:34"), ("x-user", "J\xc3\xbcrgen"), ("x-odd", "1"))


def test_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(OptionError, match=r"--header @.*/gone: cannot be read: No such file"):
        read([f"@{tmp_path / 'gone'}"])


def test_own_headers_take_the_place_of_all_of_their_name():
    now = put(SAID, [("apikey", "1"), ("x-new", "2"), ("apikey", "3")])
    assert now.headers == (("x-odd", "1"), ("apikey", "1"), ("x-new", "2"), ("apikey", "3"))
    assert (now.cookies, now.url) == (SAID.cookies, SAID.url)


def test_own_cookies_take_the_place_of_the_apps():
    now = put(SAID, [("cookie", "c=3"), ("cookie", "d=4")])
    assert (now.headers, now.cookies) == (SAID.headers, "c=3; d=4")


@pytest.mark.parametrize(
    ("header", "names"),
    [
        (("ApiKey", marks.marked("Zk83hQx0Ypl2Wv7T")), ("apikey",)),
        (("apikey", "Zk83hQx0Ypl2Wv7A"), ()),
        (("Authorization", f"Bearer {marks.marked('Zk83hQx0Ypl2Wv7T')}"), ("authorization",)),
        (("gms_user", marks.marked("anna4711")), ()),
        (("x-odd", marks.marked("Zk83hQx0Ypl2Wv7T")), ()),
        (("apikey", ""), ()),
    ],
)
def test_credentials_that_are_stand_ins_are_named(header, names):
    assert unknown((header, header)) == names


def test_without_any_the_request_stays():
    assert put(SAID, ()) is SAID
