"""T6: what is not a .tgz by content is refused in words that say what to do, at every door."""

import bz2
import gzip
import io
import lzma
import zipfile
from random import Random

import pytest

from app.domain.lifecycle import UploadState
from app.system import System
from tests.factories.bundles import make_tar, make_tgz
from tests.factories.requests import TGZ
from tests.web.callers import Browser, Caller
from tests.web.looks import came_to_nothing, document, problem

randbytes = Random(1).randbytes
TAR = make_tar({"etc/hostname": b"web-01\n"})


def make_zip() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("etc/hostname", "web-01\n")
    return buffer.getvalue()


WRONG = {
    "zip": (make_zip(), "a zip archive"),
    "text": (b"Traceback (most recent call last):\n" * 50, "not a .tgz archive"),
    "tar": (TAR, "without compression"),
    "gzip of text": (gzip.compress(b"Traceback\n" * 500), "not a tar archive"),
    "gzip of zip": (gzip.compress(make_zip() * 9), "a zip archive inside gzip"),
    "gzip twice": (gzip.compress(make_tgz({"a": randbytes(2000)})), "compressed twice"),
    "xz": (lzma.compress(TAR), "packed with xz"),
    "bzip2": (bz2.compress(TAR), "packed with bzip2"),
    "one byte": (b"\x1f", "too short"),
    "gzip header alone": (TGZ[:10], "too short"),
    "HTML": (b"<!doctype html><script>alert(1)</script>", "not a .tgz archive"),
    "damaged": (TGZ[:3] + b"\xff" + TGZ[4:10] + b"\xff" * 600, "damaged"),
}


@pytest.mark.parametrize("kind", WRONG)
@pytest.mark.parametrize("door", ["put", "form"])
def test_it_is_refused_in_words_and_no_byte_is_kept(
    customer: Caller, system: System, kind: str, door: str
) -> None:
    content, words = WRONG[kind]
    answer = customer.put(content) if door == "put" else customer.send_form(("diag", "bundle.tgz", content))
    detail = problem(answer, 415, "wrong_content")["detail"]
    assert words in detail
    assert came_to_nothing(system, UploadState.REJECTED).reason == detail


def test_a_page_says_the_same_sentence(browser: Browser, customer: Caller) -> None:
    browser.sign_in(customer.account.email)
    answer = browser.post("/upload", {"diag": (io.BytesIO(make_zip()), "bundle.tgz")})
    assert answer.status_code == 415
    assert "This is a zip archive. Pack it as .tgz: tar czf bundle.tgz folder/" in answer.text


@pytest.mark.parametrize("name", ["bundle.zip", "bundle", "bundle.tgz.exe", "bundle.txt"])
def test_content_counts_and_not_the_name(customer: Caller, name: str) -> None:
    assert document(customer.put(TGZ, name))["filename"] == name


def test_a_bundle_cut_short_before_it_was_sent_is_for_the_scan_to_judge(customer: Caller) -> None:
    assert document(customer.put(make_tgz({"a": randbytes(20_000)})[:-20]))["state"] == "sealed"
