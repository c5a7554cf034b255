"""T10, T14, T27 at the store itself: what a signed address lets its holder do, and what nothing else does.

Swift enforces signatures, their expiry and SHA-256, as AWS does; moto believes everybody, so there only
what the portal asks of it is tested.
"""

import hashlib
import time
from base64 import b64encode
from dataclasses import dataclass
from urllib.parse import urlsplit
from uuid import uuid4

import pytest
import requests

from app.adapters.storage.s3.client import Account, Connection, make_client
from app.adapters.storage.s3.presigning import Presigning
from app.domain.errors import NotFoundError, StateConflictError
from app.domain.parts import Part, SignedRequest
from tests.s3servers import S3Server

FIRST, LAST = b"a" * 5 * 1024**2, b"the end"  # S3 takes no smaller parts than 5 MiB, but for the last
LASTS = 900


def part(number: int, content: bytes) -> Part:
    return Part(number, len(content), b64encode(hashlib.sha256(content).digest()).decode())


PARTS = [part(1, FIRST), part(2, LAST)]


@dataclass
class Bucket:
    server: S3Server
    store: Presigning
    name: str
    key: str
    begun: str = ""

    def begin(self) -> "Bucket":
        self.begun = self.store.begin_parts(self.key)
        return self

    def sign(self, wanted: Part, seconds: int = LASTS) -> SignedRequest:
        return self.store.sign_part(self.key, self.begun, wanted, seconds)

    def send_all(self) -> "Bucket":
        for wanted, content in zip(PARTS, (FIRST, LAST), strict=True):
            assert put(self.sign(wanted), content).status_code == 200
        return self

    def read(self, area: str = "incoming") -> bytes:
        found = self.server.client.get_object(Bucket=self.name, Key=f"{area}/{self.key}")
        return found["Body"].read()


def put(signed: SignedRequest, content: bytes, **changed: str) -> requests.Response:
    return requests.put(signed.url, data=content, headers={**signed.headers, **changed}, timeout=10)


def bucket_of(server: S3Server) -> Bucket:
    name = server.bucket(versioned=True)
    store = Presigning()
    store.at = Connection(server.account(name))
    return Bucket(server, store, name, f"{uuid4()}/{uuid4()}")


@pytest.fixture
def bucket(swift: S3Server) -> Bucket:
    return bucket_of(swift).begin()


@pytest.fixture(params=["swift", "moto"])
def any_bucket(request: pytest.FixtureRequest) -> Bucket:
    return bucket_of(request.getfixturevalue(request.param)).begin()


def test_parts_that_were_sent_are_listed_and_joined(any_bucket: Bucket) -> None:
    assert any_bucket.store.parts(any_bucket.key, any_bucket.begun) == []
    any_bucket.send_all()
    have = any_bucket.store.parts(any_bucket.key, any_bucket.begun)
    assert [(one.number, one.size) for one in have] == [(1, len(FIRST)), (2, len(LAST))]
    version = any_bucket.store.join_parts(any_bucket.key, any_bucket.begun, PARTS)
    assert any_bucket.read() == FIRST + LAST
    assert version == any_bucket.store.join_parts(any_bucket.key, any_bucket.begun, PARTS), "twice is once"


def test_length_host_and_checksum_are_signed(any_bucket: Bucket) -> None:
    """T27. Conditional is the completion, which the portal makes itself."""
    signed = any_bucket.sign(PARTS[0])
    assert "X-Amz-SignedHeaders=content-length%3Bhost%3Bx-amz-checksum-sha256&" in signed.url
    assert "X-Amz-Expires=900&" in signed.url
    assert signed.url.startswith(f"{any_bucket.store.origin()}/")


def test_other_bytes_than_the_signed_ones_are_refused(bucket: Bucket) -> None:
    signed = bucket.sign(PARTS[1])
    assert put(signed, b"the enD").status_code == 400  # BadDigest
    assert put(signed, b"the end.").status_code == 403  # another length
    assert put(signed, b"the en").status_code == 403
    other = part(2, b"the enD").sha256 or ""
    assert put(signed, b"the enD", **{"x-amz-checksum-sha256": other}).status_code == 403
    assert requests.put(signed.url, data=LAST, timeout=10).status_code == 403  # and none at all
    assert bucket.store.parts(bucket.key, bucket.begun) == []


def test_an_address_that_was_tampered_with_is_refused(bucket: Bucket) -> None:
    signed = bucket.sign(PARTS[1])
    last = "0" if signed.url[-1] != "0" else "1"
    tampered = [
        signed.url[:-1] + last,  # the signature
        signed.url.replace("partNumber=2", "partNumber=1"),
        signed.url.replace("X-Amz-Expires=900", "X-Amz-Expires=901"),
        signed.url.replace(bucket.key, f"{uuid4()}/{uuid4()}"),
        signed.url.replace("/incoming/", "/files/"),
    ]
    for url in tampered:
        assert url != signed.url
        assert put(SignedRequest(url, signed.headers), LAST).status_code == 403, url
    assert put(signed, LAST).status_code == 200, "as it was signed it works"


def test_an_address_expires(bucket: Bucket, swift: S3Server) -> None:
    """T10. The store's clock decides."""
    signed = bucket.sign(PARTS[1], seconds=1)
    deadline = time.monotonic() + 10
    while put(signed, LAST).status_code == 200:
        assert time.monotonic() < deadline, "it never expires"
    assert put(signed, LAST).status_code == 403


def test_nothing_can_be_done_without_a_signature(bucket: Bucket) -> None:
    """T14."""
    bucket.send_all()
    bucket.store.join_parts(bucket.key, bucket.begun, PARTS)
    address = f"{bucket.server.url}/{bucket.name}/incoming/{bucket.key}"
    for method in ("GET", "HEAD", "PUT", "DELETE", "POST"):
        answer = requests.request(method, address, data=b"x" if method == "PUT" else None, timeout=10)
        assert 400 <= answer.status_code < 500, method
        assert LAST not in answer.content
    assert 400 <= requests.get(f"{bucket.server.url}/{bucket.name}", timeout=10).status_code < 500
    assert bucket.read() == FIRST + LAST


def test_what_is_joined_is_never_overwritten(any_bucket: Bucket) -> None:
    """T27: a second upload to the same name ends with 412, and the first one's bytes stay."""
    any_bucket.send_all()
    version = any_bucket.store.join_parts(any_bucket.key, any_bucket.begun, PARTS)
    again = any_bucket.store.begin_parts(any_bucket.key)
    other = b"something else"
    signed = any_bucket.store.sign_part(any_bucket.key, again, part(1, other), LASTS)
    assert put(signed, other).status_code == 200
    with pytest.raises(NotFoundError):  # what lies there is not of that size
        any_bucket.store.join_parts(any_bucket.key, again, [part(1, other)])
    assert any_bucket.read() == FIRST + LAST
    assert any_bucket.store.join_parts(any_bucket.key, any_bucket.begun, PARTS) == version


def test_a_put_after_the_seal_changes_nothing(bucket: Bucket) -> None:
    """T27. AWS knows the upload no more; Swift takes the same bytes once more, and no others."""
    signed = [bucket.sign(wanted) for wanted in PARTS]
    bucket.send_all()
    version = bucket.store.join_parts(bucket.key, bucket.begun, PARTS)
    assert put(signed[1], b"THE END").status_code in {400, 403, 404}
    assert put(signed[1], LAST).status_code in {200, 404}
    assert bucket.read() == FIRST + LAST
    assert bucket.store.join_parts(bucket.key, bucket.begun, PARTS) == version


def test_parts_that_are_not_there_are_not_joined(any_bucket: Bucket) -> None:
    assert put(any_bucket.sign(PARTS[0]), FIRST).status_code == 200
    with pytest.raises(StateConflictError):
        any_bucket.store.join_parts(any_bucket.key, any_bucket.begun, PARTS)
    with pytest.raises(NotFoundError):
        any_bucket.store.join_parts(any_bucket.key, "no-such-upload", PARTS)
    with pytest.raises(NotFoundError):
        any_bucket.store.parts(any_bucket.key, "no-such-upload")


def test_an_address_to_fetch_is_of_one_version(any_bucket: Bucket) -> None:
    """T10, T26: what is put in an object's place later cannot be had at an address signed for it before."""
    store, client, name = any_bucket.store, any_bucket.server.client, any_bucket.name
    file = f"files/{any_bucket.key}"
    client.put_object(Bucket=name, Key=file, Body=b"clean")
    version = f"files:{client.head_object(Bucket=name, Key=file)['VersionId']}"

    def sign() -> str | None:
        return store.sign_download(
            any_bucket.key,
            version,
            disposition='attachment; filename="a b.tgz"',
            mimetype="application/gzip",
            seconds=60,
        )

    address = sign()
    assert address
    assert "X-Amz-Expires=60&" in address
    client.put_object(Bucket=name, Key=file, Body=b"other")
    got = requests.get(address, headers={"Range": "bytes=1-3"}, timeout=10)
    assert (got.status_code, got.content) == (206, b"lea")
    assert got.headers["Content-Disposition"] == 'attachment; filename="a b.tgz"'
    assert got.headers["Content-Type"] == "application/gzip"
    assert sign() is None, "and nobody is sent to what lies there now"


def test_without_versions_nobody_is_sent_to_the_store(swift: S3Server) -> None:
    name = swift.bucket()
    store, key = Presigning(), f"{uuid4()}/{uuid4()}"
    store.at = Connection(swift.account(name))
    swift.client.put_object(Bucket=name, Key=f"files/{key}", Body=b"clean")
    etag = swift.client.head_object(Bucket=name, Key=f"files/{key}")["ETag"].strip('"')
    signed = store.sign_download(key, f"files:5-{etag}", disposition="attachment", mimetype="a/b", seconds=60)
    assert signed is None


@pytest.mark.parametrize(
    ("bucket", "region", "host"),
    [
        ("uploads", "eu-west-1", "uploads.s3.eu-west-1.amazonaws.com"),
        ("uploads", "us-east-1", "uploads.s3.us-east-1.amazonaws.com"),
        ("uploads.example.com", "eu-west-1", "s3.eu-west-1.amazonaws.com"),
    ],
)
def test_addresses_at_aws_are_of_the_bucket_s_own_region(bucket: str, region: str, host: str) -> None:
    """Young buckets are redirected to their region for hours, which browsers do not follow with a body."""
    client = make_client(Account(bucket, region, access_key="of-a-test", secret_key="of-a-test"))
    address = client.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": "files/x"})
    assert urlsplit(address).hostname == host
