"""The fence over a store that locks nobody out: what was acknowledged stays. F23, I2."""

import random

import pytest
from werkzeug.test import TestResponse

from app.system import System
from app.web.transfer.writers import Writers
from tests.factories.bundles import make_tgz
from tests.factories.direct import with_bucket
from tests.s3servers import S3Server
from tests.web.callers import Caller
from tests.web.looks import document, only_upload, problem, stored_bytes
from tests.web.test_tus_writers import Interrupted
from tests.web.tus import Tus

MIB = 1024**2
CONTENT = make_tgz({"noise.bin": random.Random(4).randbytes(20 * MIB)})
#: What the first writer begins at, where it is interrupted, and where the second has come meanwhile. What
#: the first has collected by then is enough for a part of S3's, under a number that the second has used.
START, INTERRUPTED, ACKNOWLEDGED = 8 * MIB, 14 * MIB, 17 * MIB


@pytest.fixture
def system(system: System, moto: S3Server) -> System:
    return with_bucket(system, moto)


@pytest.mark.parametrize("hears", [True, False], ids=["told to stop", "deaf, and its line dies"])
def test_who_is_overtaken_makes_nothing_durable_any_more(
    customer: Caller, system: System, monkeypatch: pytest.MonkeyPatch, *, hears: bool
) -> None:
    if not hears:
        monkeypatch.setattr(Writers, "stop", lambda *_: None)
    tus = Tus(customer, CONTENT).create()
    tus.patch(0, START)
    seen: list[TestResponse] = []

    def go_on_elsewhere() -> None:
        if not seen:
            seen.append(tus.patch(START, ACKNOWLEDGED))

    came = Interrupted(CONTENT[START : None if hears else INTERRUPTED], INTERRUPTED - START, go_on_elsewhere)
    environ = {"CONTENT_LENGTH": str(len(CONTENT) - START)}
    problem(tus.patch(START, data=None, input_stream=came, environ_overrides=environ), 423, "locked")

    assert seen[0].headers["Upload-Offset"] == str(ACKNOWLEDGED)
    assert tus.offset() == ACKNOWLEDGED
    document(tus.patch(ACKNOWLEDGED), 200)
    assert stored_bytes(system, only_upload(system)) == CONTENT
