import re
import socket

import pytest

from gms_replay.base_url import BaseUrl
from gms_replay.errors import OptionError
from gms_replay.testing.upstream import require_reachable


def test_gms_that_listens_is_reachable() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        require_reachable(BaseUrl("http", "127.0.0.1", listening.getsockname()[1], "/genesys"))

        with listening.accept()[0] as visitor:
            assert visitor.recv(1) == b"", "who only looks says nothing"


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_gms_that_is_down_is_named(scheme: str) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"{scheme}://127.0.0.1:{taken.getsockname()[1]}/genesys"

        with pytest.raises(OptionError, match=rf"^--gms-upstream {re.escape(url)}: cannot be reached: \w.+; does it"):
            require_reachable(BaseUrl.parse(url, ""))
