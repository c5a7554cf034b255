"""What the two S3 servers of the tests are good for: only Swift tells a right request from a wrong one."""

import pytest
import requests
from botocore.exceptions import ClientError

from tests.s3servers import S3Server

WRONG = "A" * 43 + "="  # a SHA-256 that nothing here has


def test_swift_refuses_a_wrong_checksum_and_a_wrong_signature(swift: S3Server) -> None:
    bucket = swift.bucket()
    with pytest.raises(ClientError, match="BadDigest"):
        swift.client.put_object(Bucket=bucket, Key="a", Body=b"a", ChecksumSHA256=WRONG)

    swift.client.put_object(Bucket=bucket, Key="a", Body=b"a")
    address = swift.client.generate_presigned_url("get_object", {"Bucket": bucket, "Key": "a"}, 60)

    assert requests.get(address, timeout=10).content == b"a"
    assert requests.get(address[:-4] + "0000", timeout=10).status_code == 403


def test_moto_takes_both(moto: S3Server) -> None:
    """So no test on moto says anything about signatures or checksums. Should this fail, use it for more."""
    bucket = moto.bucket()
    moto.client.put_object(Bucket=bucket, Key="a", Body=b"a", ChecksumSHA256=WRONG)
    address = moto.client.generate_presigned_url("get_object", {"Bucket": bucket, "Key": "a"}, 60)

    assert requests.get(address[:-4] + "0000", timeout=10).status_code == 200


@pytest.mark.parametrize("name", ["moto", "swift"])
def test_both_write_once_and_keep_versions(name: str, request: pytest.FixtureRequest) -> None:
    server: S3Server = request.getfixturevalue(name)
    bucket = server.bucket(versioned=True)
    first = server.client.put_object(Bucket=bucket, Key="a", Body=b"1", IfNoneMatch="*")

    with pytest.raises(ClientError, match="PreconditionFailed"):
        server.client.put_object(Bucket=bucket, Key="a", Body=b"2", IfNoneMatch="*")

    assert server.client.head_object(Bucket=bucket, Key="a")["VersionId"] == first["VersionId"]
