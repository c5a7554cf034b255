"""tus-js-client in Node, and tuspy, with every extension that they know: T4, T5."""

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import requests
from tusclient.client import TusClient

from tests.e2e.sources import Parcel, noisy_tgz, pack
from tests.e2e.test_clients import run
from tests.live import Live

SIZE = 500_000


@pytest.fixture
def parcel(tmp_path: Path) -> Parcel:
    return pack(tmp_path, noisy_tgz(SIZE), "web-01.tgz")


def node(live: Live, way: str, parcel: Parcel) -> dict[str, Any]:
    script = Path(__file__).with_name("tus.mjs")
    return run("node", script, way, live.url, parcel.path, parcel.name, live.accounts["acme"]["token"])


@pytest.mark.parametrize(
    ("way", "expected"),
    [
        ("parallel", {"POST": 4, "PATCH": 6}),
        ("deferred", {"POST": 1, "PATCH": 5}),
        ("creation", {"POST": 1, "PATCH": 4}),
        ("whole", {"POST": 1}),
        ("override", {"POST": 6}),
        ("resume", {"HEAD": 1, "PATCH": 4}),
        ("rejoin", {"HEAD": 3, "POST": 1}),
    ],
)
def test_tus_js_client(live: Live, parcel: Parcel, way: str, expected: dict[str, int]) -> None:
    """The right number of requests, the right bytes, one upload."""
    answer = node(live, way, parcel)
    assert Counter(answer["requests"]) == expected
    assert (answer["sha256"], answer["size"]) == (parcel.sha256, parcel.size)
    assert (answer["case"], answer["filename"]) == ("CS-4713", parcel.name)
    assert answer.get("first", answer["id"]) == answer["id"]
    assert live.get(f"/api/v1/uploads/{answer['id']}", "acme").json()["sha256"] == parcel.sha256


def test_tus_js_client_terminates(live: Live, parcel: Parcel) -> None:
    assert node(live, "terminate", parcel) == {"status": 410}


def test_tuspy_with_checksums_goes_on_where_it_was(live: Live, parcel: Parcel) -> None:
    """A checksum with every chunk; what is wrong is refused, and the upload goes on."""
    client = TusClient(f"{live.url}/tus", headers=live.token("acme"))
    more: dict[str, Any] = {"chunk_size": SIZE // 4, "upload_checksum": True}
    with parcel.path.open("rb") as file:
        first: Any = client.uploader(file_stream=file, metadata={"filename": parcel.name}, **more)
        first.upload_chunk()
        assert 0 < first.offset < parcel.size
        headers = {"Upload-Offset": str(first.offset), "Content-Type": "application/offset+octet-stream"}
        headers |= {"Tus-Resumable": "1.0.0", "Upload-Checksum": "crc32 AAAAAA=="} | live.token("acme")
        assert requests.patch(first.url, headers=headers, data=b"other", timeout=30).status_code == 460
        again: Any = client.uploader(file_stream=file, url=first.url, **more)
        assert again.offset == first.offset
        again.upload()
    document = live.get(f"/api/v1/uploads/{first.url.rsplit('/', 1)[-1]}", "acme").json()
    assert (document["sha256"], document["size"]) == (parcel.sha256, parcel.size)
