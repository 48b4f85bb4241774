import pytest

from gms_replay.privacy import Kind
from gms_replay.redact.memory import Memory

OTHER = str.maketrans("abcdehijklnoqrtxAJLC李雷1234577", "bcdefijklmoprsuyBKMDxy2345688")


@pytest.fixture
def memory() -> Memory:
    return Memory()


@pytest.mark.parametrize(
    ("value", "kind", "text", "is_shown", "is_found"),
    [
        ("secret-4711", Kind.CREDENTIAL, "/a/secret-4711/b", False, True),
        ("secret-4711", Kind.CREDENTIAL, "/a/xsecret-4711/b", False, False),
        ("a/4711?b", Kind.CREDENTIAL, "/a%2F4711%3Fb", False, True),
        ("4711", Kind.CODE, "/a/4711/b", False, False),
        ("4711", Kind.CODE, "your code is 4711.", True, True),
        ("customer", Kind.CREDENTIAL, "customer-service", False, False),
        ("correcthorsebattery", Kind.CREDENTIAL, "/correcthorsebattery", False, True),
        ("correcthorsebattery", Kind.NAME, "/correcthorsebattery", False, False),
        ("Ann Lee", Kind.NAME, "Hello LEE, ann!", True, True),
        ("Ann Lee", Kind.NAME, "Annual Leeway", True, False),
        ("Jo Lee", Kind.NAME, "Jo", True, False),
        ("Jo L.", Kind.NAME, "Jo L. has joined", True, True),
        ("Connect", Kind.NAME, "/1/service/x/connect", False, False),
        ("李雷", Kind.NAME, "你好李雷!", True, True),
        ("ann@mail.test", Kind.USER, "/users/ann%40mail.test", False, True),
        ("123", Kind.NAME, "123", True, True),
        ("12", Kind.CODE, "12", True, False),
        ("x" * 5000 + "1", Kind.CREDENTIAL, "x" * 5000 + "1", False, False),
    ],
)
def test_where_a_value_is_known(
    memory: Memory, value: str, kind: Kind, text: str, is_shown: bool, is_found: bool
) -> None:
    memory.learn(value, value.translate(OTHER), kind)

    assert (memory.replaced(text, is_shown=is_shown) != text) is is_found
    assert memory.may_be_in(text.encode()) or not is_found


def test_words_keep_their_case(memory: Memory) -> None:
    memory.learn("Ann Lee", "Bob Fox", Kind.NAME)

    assert memory.replaced("ANN and lee", is_shown=True) == "BOB and fox"


def test_what_is_known_stays_known_so(memory: Memory) -> None:
    memory.learn("secret-4711", "first-8888", Kind.CREDENTIAL)
    version = memory.version
    memory.learn("secret-4711", "later-9999", Kind.CREDENTIAL)

    assert memory.known("secret-4711") == "first-8888"
    assert memory.version == version
    assert memory.known("other-4711") is None


def test_phone_number_is_known_in_any_notation(memory: Memory) -> None:
    memory.learn_phone("5417543010", "7162974959")
    version = memory.version
    memory.learn_phone("5417543010", "9999999999")

    assert memory.replaced("at (541) 754-3010", is_shown=False) == "at (716) 297-4959"
    assert memory.may_be_in(b"1-541-754.3010")
    assert not memory.may_be_in(b"1-541-754.3011")
    assert memory.version == version


def test_ids_are_kept(memory: Memory) -> None:
    memory.keep("service-4711")

    assert memory.is_kept("service-4711")
    assert not memory.is_kept("service-4712")


def test_memory_is_bounded() -> None:
    memory = Memory(most=10)
    for number in range(100):
        memory.learn("in-use-4711", "in-use-5822", Kind.CREDENTIAL)
        memory.learn(f"secret-{number:05}", f"hidden-{number:05}", Kind.CREDENTIAL)
        memory.learn_phone(f"55501{number:03}", f"66601{number:03}")
        memory.keep(f"id-{number}")

    assert memory.known("secret-00000") is None
    assert memory.known("secret-00099") == "hidden-00099"
    assert memory.replaced("in-use-4711", is_shown=False) == "in-use-5822"
    assert memory.replaced("55501000 55501099", is_shown=True) == "55501000 66601099"
    assert not memory.is_kept("id-0")
