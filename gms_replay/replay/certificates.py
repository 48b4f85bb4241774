"""Certificates of mitmproxy's own CA, so that a device which was set up for recording trusts the replay, too.

Each is made when its name is asked for (TLS tells it, RFC 6066, section 3: SNI), or, where an app asks for an address,
which is not told so, for the address that it reached. All have the CA's own key, as mitmproxy's have.
"""

# Half of mitmproxy's own methods say nothing of their types.
# mypy: allow-untyped-calls

import ssl
from functools import lru_cache
from ipaddress import ip_address
from pathlib import Path
from tempfile import TemporaryDirectory

from cryptography import x509
from mitmproxy.certs import CertStore
from mitmproxy.options import CONF_BASENAME, CONF_DIR, KEY_SIZE

from gms_replay.errors import OptionError

_KEPT = 256
_NOBODY = "gms-replay.invalid"


class Certificates:
    """Makes certificates. `confdir`: where mitmproxy has its CA, None for its usual place; made where there is none.

    Raises OptionError where that cannot be read or written.
    """

    def __init__(self, confdir: Path | None = None) -> None:
        folder = (confdir or Path(CONF_DIR)).expanduser()
        self.ca_file = folder / f"{CONF_BASENAME}-ca-cert.pem"
        """What an app has to trust."""
        self._key_file = folder / f"{CONF_BASENAME}-ca.pem"
        try:
            self._store = CertStore.from_store(folder, CONF_BASENAME, KEY_SIZE)
            self.context("localhost")
        except (OSError, ValueError, TypeError) as error:
            reason = error.strerror if isinstance(error, OSError) and error.strerror else error
            raise OptionError(
                f"--tls: mitmproxy's CA in {folder} cannot be used: {reason}; --confdir names another folder"
            ) from None

    @lru_cache(_KEPT)  # noqa: B019 - there is one, and it lives as long as the process.
    def context(self, name: str) -> ssl.SSLContext:
        """What a server speaks TLS with under that name or address, until an app asks for another."""
        try:
            made = self._store.get_cert(*_named(name))
        except ValueError:
            made = self._store.get_cert(*_named(_NOBODY))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.set_alpn_protocols(["http/1.1"])
        with TemporaryDirectory() as folder:
            # Python reads certificates from files only. The key stays where it is.
            chain = Path(folder) / "chain.pem"
            chain.write_bytes(b"".join(cert.to_pem() for cert in (made.cert, *made.chain_certs)))
            context.load_cert_chain(chain, self._key_file)
        context.sni_callback = self._asked_for
        return context

    def _asked_for(self, connection: ssl.SSLObject, name: str | None, _: ssl.SSLContext) -> None:
        if name is not None:
            connection.context = self.context(name.lower())


def _named(name: str) -> tuple[str | None, list[x509.GeneralName]]:
    """A certificate's common name, and its names. Raises ValueError for what nothing can be called."""
    try:
        return None, [x509.IPAddress(ip_address(name.partition("%")[0]))]
    except ValueError:
        return name, [x509.DNSName(name)]
