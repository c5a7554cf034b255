"""The product as on AWS: a scanner beside the workers alone, a bucket that tells and is told. F3, T24."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from app.cli.dev.services import Services
from tests.factories.bucket_policy import tag_of
from tests.factories.direct import sum_of
from tests.factories.requests import TGZ
from tests.factories.upload_events import Queue
from tests.live import Live, clone_database, eventually
from tests.s3servers import ACCESS_KEY, REGION, SECRET_KEY, S3Server

APART = ("web", "scheduler")  # have no scanner


@pytest.fixture
def bucket(moto: S3Server) -> str:
    return moto.bucket(versioned=True)


@pytest.fixture
def product(services: Services, template: str, tmp_path: Path, moto: S3Server, bucket: str) -> Iterator[Live]:
    queue = Queue(moto)
    queue.hear_of(moto, bucket)
    settings = moto.settings(bucket) | {
        "DIAGPORT_UPLOAD_EVENTS_QUEUE": queue.url,
        "DIAGPORT_AWS_ENDPOINT": moto.url,
        "AWS_ACCESS_KEY_ID": ACCESS_KEY,
        "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
        "AWS_DEFAULT_REGION": REGION,
    }
    live = Live(services, clone_database(services, template, "as_on_aws"), tmp_path / "aws", settings, 5)
    gate = live.application.python("gate", "worker.py", "gate")
    for name in APART:
        process = live.application[name]
        process.environment = {
            key: value for key, value in process.environment.items() if key != "DIAGPORT_CLAMD_ADDRESS"
        }
    try:
        gate.start()
        with live:
            yield live
    finally:
        gate.kill()


def check(live: Live, name: str) -> tuple[bool, str]:
    found = live.get("/readyz").json()["checks"][name]
    return found["ok"], found["detail"]


def test_what_a_dead_process_left_is_completed_scanned_tagged_and_served(
    product: Live, moto: S3Server, bucket: str
) -> None:
    eventually(lambda: check(product, "gate")[0] and check(product, "scheduler")[0], "an open gate")
    assert check(product, "scanner")[0]
    begun = product.request(
        "POST", "/api/v1/direct", "acme", json={"filename": "bundle.tgz", "size": len(TGZ)}
    ).json()
    part = {"number": 1, "sha256": sum_of(TGZ)}
    place = f"/api/v1/direct/{begun['id']}"
    signed = product.request("POST", f"{place}/parts", "acme", json={"parts": [part]}).json()["parts"][0]
    sent = requests.put(signed["url"], data=TGZ, headers=signed["headers"], timeout=10)
    assert sent.status_code == 200

    # Whoever was to complete it asked the store, and died; that was more than a minute ago.
    product.sql("UPDATE upload SET active_at = active_at - interval '2 minutes'")
    ((key, multipart),) = product.sql("SELECT storage_key, multipart_id FROM upload")
    parts = [{"PartNumber": 1, "ETag": sent.headers["ETag"], "ChecksumSHA256": part["sha256"]}]
    moto.client.complete_multipart_upload(
        Bucket=bucket,
        Key=f"incoming/{key}",
        UploadId=multipart,
        MultipartUpload={"Parts": parts},  # type: ignore[typeddict-item]
    )

    def ready() -> bool:
        return bool(
            product.request("GET", f"/api/v1/uploads/{begun['id']}", "acme").json()["state"] == "clean"
        )

    eventually(ready, "a verdict that nobody asked for")
    eventually(lambda: tag_of(moto.client, bucket, f"files/{key}") == "clean", "the tag")
    got = product.get(f"/api/v1/uploads/{begun['id']}/content", "acme")
    assert (got.status_code, got.content) == (200, TGZ)
    deeds = product.sql("SELECT actor_label, on_behalf_of FROM audit_event WHERE action = 'upload.sealed'")
    assert deeds == [("system", product.accounts["acme"]["email"])]
