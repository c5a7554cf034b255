"""The whole path from programs without a browser: curl, tuspy, tus-js-client in Node."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tusclient.client import TusClient

from tests.e2e import sources
from tests.e2e.browser import People
from tests.e2e.sources import Parcel, every_bundle, pack
from tests.e2e.walk import fetch_as_engineer
from tests.live import Live

SECONDS = 60


def run(*command: str | Path) -> dict[str, Any]:
    """Run a client to its end; return the JSON it printed."""
    done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False)
    assert done.returncode == 0, done.stderr + done.stdout
    document: dict[str, Any] = json.loads(done.stdout)
    return document


def curl_put(live: Live, parcel: Parcel) -> dict[str, Any]:
    user = f"{live.accounts['acme']['email']}:{live.accounts['acme']['token']}"
    return run("curl", "-sS", "--fail-with-body", "-u", user, "-T", parcel.path, f"{live.url}/upload/")


def curl_form(live: Live, parcel: Parcel) -> dict[str, Any]:
    token = f"Authorization: Bearer {live.accounts['acme']['token']}"
    form = ["-F", "case=CS-4713", "-F", f"diag=@{parcel.path}"]
    return run("curl", "-sS", "--fail-with-body", "-H", token, *form, f"{live.url}/upload")


def tuspy(live: Live, parcel: Parcel) -> dict[str, Any]:
    client = TusClient(f"{live.url}/tus", headers=live.token("acme"))
    with parcel.path.open("rb") as file:
        uploader = client.uploader(
            file_stream=file,
            chunk_size=1024**2,
            metadata={"filename": parcel.name, "case": "CS-4713"},
            upload_checksum=True,
        )
        uploader.upload()
    upload_id = str(uploader.url).rsplit("/", 1)[-1]
    document: dict[str, Any] = live.get(f"/api/v1/uploads/{upload_id}", "acme").json()
    return document


def tus_js(live: Live, parcel: Parcel) -> dict[str, Any]:
    script = Path(__file__).with_name("send.mjs")
    return run("node", script, live.url, parcel.path, parcel.name, live.accounts["acme"]["token"])


@pytest.mark.parametrize("client", [curl_put, curl_form, tuspy, tus_js])
@every_bundle
def test_sent_by_a_program(
    people: People,
    live: Live,
    tmp_path: Path,
    bundle: str,
    client: Callable[[Live, Parcel], dict[str, Any]],
) -> None:
    parcel = pack(tmp_path, sources.content_of(bundle), f"{client.__name__}-{bundle}")

    answer = client(live, parcel)

    assert answer["sha256"] == parcel.sha256
    assert answer["size"] == parcel.size
    assert live.settled(answer["id"])["state"] == "clean"
    fetch_as_engineer(people, live, answer["id"], parcel, tmp_path)
