"""Parts of one bundle, sent side by side through tus (concatenation)."""

import hashlib
from itertools import pairwise
from random import Random
from typing import Any

from werkzeug.test import TestResponse

from app.domain.lifecycle import STORED, UploadState
from app.models import Upload
from app.system import System
from tests.factories.bundles import make_tgz
from tests.web.callers import Caller
from tests.web.looks import deeds, stored, stored_bytes, uploads
from tests.web.tus import Tus, metadata

CONTENT = make_tgz({"var/log/messages": Random(9).randbytes(9_000)})
SIZE = len(CONTENT)
SHA256 = hashlib.sha256(CONTENT).hexdigest()
EDGES = (0, 10, 3000, 3001, SIZE)


def part(caller: Caller, content: bytes, sent: int | None = None) -> Tus:
    """Make a part, and send its first ``sent`` bytes, or all."""
    tus = Tus(caller, content)
    answer = tus.ask("POST", "/tus", {"Upload-Length": str(len(content)), "Upload-Concat": "partial"})
    assert answer.status_code == 201, answer.text
    tus.place = answer.location
    if sent != 0:
        assert tus.patch(0, sent).status_code == 204
    return tus


def parts(caller: Caller) -> list[Tus]:
    pieces = [CONTENT[start:stop] for start, stop in pairwise(EDGES)]
    return [part(caller, piece) for piece in pieces]


def places(several: list[Tus]) -> str:
    return " ".join(one.place for one in several)


def join(tus: Tus, urls: str, **said: str) -> TestResponse:
    headers = {"Upload-Concat": f"final;{urls}"}
    headers["Upload-Metadata"] = metadata(**{"filename": "web-01.tgz"} | said)
    return tus.ask("POST", "/tus", headers)


def wholes(system: System) -> list[Upload]:
    return [upload for upload in uploads(system) if not upload.partial]


def check_whole(system: System, body: dict[str, Any]) -> Upload:
    """Check that the only whole is the content, and that of the parts nothing is left but rows."""
    (whole,) = wholes(system)
    assert (str(whole.id), whole.sha256, whole.size) == (body["id"], SHA256, SIZE)
    assert whole.state in STORED
    assert stored_bytes(system, whole) == CONTENT
    assert stored(system) == {whole.storage_key}
    assert {upload.state for upload in uploads(system) if upload.partial} == {UploadState.DELETED}
    assert len(deeds(system, "upload.sealed")) == 1
    return whole
