"""The bucket's policy of docs/storage.md: whether it lets the web read, and a web that is told so."""

import fnmatch
import json
import re
from typing import TYPE_CHECKING, Any

from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders

from app.adapters.storage.s3.storage import S3Storage
from app.cli.dev import ROOT
from app.domain.scan_status import NAME
from tests.s3servers import S3Server

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_POLICY = re.compile(r"```json\n( *\{\"Version\".*?OnlyOverTls.*?)```", re.DOTALL)
_TAG = f"s3:ExistingObjectTag/{NAME}"


def policy() -> list[dict[str, Any]]:
    """Return its statements, as they are documented."""
    found = [each[1] for each in _POLICY.finditer((ROOT / "docs" / "storage.md").read_text())]
    statements: list[dict[str, Any]] = json.loads(found[-1][found[-1].rindex('{"Version"') :])["Statement"]
    return statements


def denies(client: "S3Client", bucket: str, name: str, action: str, *, signed_address: bool = False) -> bool:
    """Whether the policy denies the web, over TLS, an action on the newest version of an object."""
    arn = f"arn:aws:s3:::{bucket}/{name}"
    context = {"s3:authType": "REST-QUERY-STRING" if signed_address else "REST-HEADER"}
    if (tag := tag_of(client, bucket, name)) is not None:
        context[_TAG] = tag
    return any(
        each["Sid"] != "OnlyOverTls"
        and f"s3:{action}" in each["Action"]
        and fnmatch.fnmatchcase(arn, each["Resource"].replace("BUCKET", bucket))
        and _holds(each.get("Condition", {}), context)
        for each in policy()
    )


def _holds(condition: dict[str, dict[str, Any]], context: dict[str, str]) -> bool:
    """Whether all of it holds. What has no such key is not equal to anything (IAM, negated operators)."""
    for operator, facts in condition.items():
        for key, values in facts.items():
            equal = context.get(key) in (values if isinstance(values, list) else [values])
            if equal is not {"StringEquals": True, "StringNotEquals": False}[operator]:
                return False
    return True


def tag_of(client: "S3Client", bucket: str, name: str) -> str | None:
    """Return the value of our tag on the newest version of an object; None if there is neither."""
    try:
        found = client.get_object_tagging(Bucket=bucket, Key=name)["TagSet"]
    except client.exceptions.ClientError as error:
        if error.response["Error"]["Code"] in {"NoSuchKey", "404"}:
            return None
        raise
    return next((tag["Value"] for tag in found if tag["Key"] == NAME), None)


def obey(store: S3Storage, server: S3Server) -> None:
    """Let the store's requests be answered as by a bucket with the policy, to the web and its role."""
    bucket = store.at.bucket

    def refuse(request: Any, **_: Any) -> AWSResponse:
        body = b"" if request.method == "HEAD" else b"<Error><Code>AccessDenied</Code></Error>"
        raw: Any = _Raw(body)
        return AWSResponse(request.url, 403, HTTPHeaders(), raw)

    def judge(request: Any, **_: Any) -> AWSResponse | None:
        name = request.url.partition("?")[0].partition(f"/{bucket}/")[2]
        return refuse(request) if denies(server.client, bucket, name, "GetObject") else None

    events: Any = store.at.client.meta.events
    for operation in ("HeadObject", "GetObject"):
        events.register(f"before-send.s3.{operation}", judge)
    for operation in ("DeleteObject", "DeleteObjects", "ListObjectVersions", "PutObjectTagging"):
        events.register(f"before-send.s3.{operation}", refuse)


class _Raw:
    """A body as urllib3 would give it."""

    def __init__(self, body: bytes) -> None:
        self._body = body

    def stream(self, **_: Any) -> list[bytes]:
        return [self._body]
