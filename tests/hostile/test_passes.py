"""What a scan still owes when its last pass ends. T23."""

import io
import random
from collections.abc import Iterable

import pytest

from app.bundle.budget import Budget
from app.domain.verdict import StreamResult, StreamVerdict, Verdict
from app.services.scanning.examine import PASSES, examine
from tests.factories.hostile.case import MIB
from tests.factories.hostile.raw import entry, gz, tar, tgz
from tests.hostile.readers import MARKER, BeginningScanner


class Failing(BeginningScanner):
    """Gives no verdict on its first streams."""

    def __init__(self, failures: int) -> None:
        super().__init__()
        self.failures = failures

    def scan(self, chunks: Iterable[bytes | memoryview]) -> StreamVerdict:
        if self.failures:
            self.failures -= 1
            return StreamVerdict(StreamResult.ERROR, "busy")
        return super().scan(chunks)


NOISE = entry(b"noise", random.Random(10).randbytes(9 * MIB))
# Python's gzip reads on behind zeros, and gets the marker; the scan learns of them 9 MiB later.
UNSOUND = gz(tar(NOISE), level=1) + bytes(512) + tgz(entry(b"bad", MARKER))
BUNDLES = {
    "an unsound archive": tar(NOISE, entry(b"a", UNSOUND)),
    "an unsound archive in a sound one": tar(NOISE, entry(b"a", gz(tar(entry(b"b", UNSOUND)), level=0))),
    "two of them": tar(NOISE, entry(b"a", UNSOUND), entry(b"c", gz(tar(entry(b"b", UNSOUND)), level=0))),
}


@pytest.mark.parametrize("name", BUNDLES)
@pytest.mark.parametrize("failures", range(PASSES + 1))
def test_what_the_last_pass_leaves_open_is_not_clean(name: str, failures: int) -> None:
    bundle = io.BytesIO(gz(BUNDLES[name], level=0))
    report = examine(Failing(failures), bundle, budget=Budget(), connections=1)
    assert report.verdict is not Verdict.CLEAN
