"""diagport.py through a proxy, and over TLS."""

from pathlib import Path

import pytest

from tests.e2e.diagport import Client
from tests.e2e.servers import Proxy, Tls
from tests.e2e.sources import noisy_tgz, pack
from tests.live import Live

SENT, _USAGE, _REFUSED, NETWORK, _DIGEST, _UNCLEAN = range(6)


@pytest.fixture
def client(live: Live, tmp_path: Path) -> Client:
    return Client(live, tmp_path / "home", LARGE="1 << 20")


def test_through_a_proxy(client: Client, live: Live, tmp_path: Path) -> None:
    parcel = pack(tmp_path, noisy_tgz(5 * 2**20), "client-proxy.tgz")
    with Proxy("some one", "s3cret/") as proxy:
        done = client.run(parcel.path, http_proxy=proxy.url)
        assert (done.code, done.told.get("sha256")) == (SENT, parcel.sha256), done.errors
        assert any(line.startswith(f"PATCH {live.url}/tus/") for line in proxy.seen)
        count = len(proxy.seen)
        past = client.run(parcel.path, http_proxy=proxy.url, no_proxy="localhost,127.0.0.1")
        assert past.code == SENT, past.errors
        assert len(proxy.seen) == count, "NO_PROXY"


def test_through_a_proxy_over_tls(client: Client, live: Live, tmp_path: Path) -> None:
    parcel = pack(tmp_path, noisy_tgz(5 * 2**20), "client-tls.tgz")
    with Proxy("someone", "secret") as proxy, Tls(tmp_path) as tls:
        tls.target = live.application.port
        where = {"DIAGPORT_URL": tls.url, "HTTPS_PROXY": proxy.url}

        done = client.run("--cacert", tls.ca, parcel.path, **where)

        assert (done.code, done.told.get("sha256")) == (SENT, parcel.sha256), done.errors
        assert proxy.seen
        assert {line.split(" ")[0] for line in proxy.seen} == {"CONNECT"}
        wrong = {**where, "HTTPS_PROXY": proxy.url.replace("secret", "guess")}
        refused = client.run("--cacert", tls.ca, "--retry-for", "1", parcel.path, **wrong)
        assert refused.code == NETWORK
        assert "407" in refused.errors


def test_a_certificate_that_nobody_trusts(client: Client, live: Live, tmp_path: Path) -> None:
    """It gives up at once: no patience mends that."""
    parcel = pack(tmp_path, noisy_tgz(5_000), "client-untrusted.tgz")
    with Tls(tmp_path) as tls:
        tls.target = live.application.port
        done = client.run(parcel.path, DIAGPORT_URL=tls.url)
    assert done.code == NETWORK
    assert "certificate verify failed" in done.errors
    assert "Trying again" not in done.errors
