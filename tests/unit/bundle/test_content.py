"""T6: what is not a .tgz is refused by content, with a sentence that helps."""

import bz2
import gzip
import io
import lzma
import zipfile

import pytest

from app.bundle.content import HEAD, problem_of
from tests.factories.bundles import make_tar, make_tgz


def a_zip() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("a", "b")
    return buffer.getvalue()


WRONG = {
    "empty": (b"", "empty"),
    "zip": (a_zip(), "a zip archive"),
    "plain": (b"just some text\n" * 100, "not a .tgz"),
    "short": (b"x", "not a .tgz"),
    "tar": (make_tar({"a": b"b"}), "without compression"),
    "bzip2": (bz2.compress(make_tar({"a": b"b"})), "bzip2"),
    "xz": (lzma.compress(make_tar({"a": b"b"})), "xz"),
    "gzip of text": (gzip.compress(b"a log line\n" * 1000), "not a tar archive"),
    "gzip of nothing": (gzip.compress(b""), "too short"),
    "gzip of a zip": (gzip.compress(a_zip() + bytes(600)), "a zip archive inside gzip"),
    "twice": (gzip.compress(make_tgz({"a": bytes(99_999)}) + bytes(600)), "compressed twice"),
    "empty tar": (make_tgz({}), "no file"),
    "cut off": (make_tgz({"a": b"b"})[:30], "cut off"),
    "bad deflate": (make_tgz({"a": b"b"})[:10] + b"\xff" * 100, "damaged"),
    "header with room for a zip": (b"\x1f\x8b\x08\x04" + bytes(6) + b"\xff\xff" + bytes(70_000), "damaged"),
}


@pytest.mark.parametrize("name", WRONG)
def test_says_what_is_wrong(name: str) -> None:
    content, words = WRONG[name]
    problem = problem_of(content[:HEAD])
    assert problem is not None
    assert words in problem
    assert problem.endswith((".", "folder/", "bundle.tar"))


def test_accepts_a_tgz() -> None:
    assert problem_of(make_tgz({"a": b"b"})) is None


def test_while_receiving_every_prefix_of_a_good_one_is_good() -> None:
    content = make_tgz({"folder/file": b"content" * 99})
    assert not any(problem_of(content[:length], more=True) for length in range(len(content)))


@pytest.mark.parametrize("name", ["zip", "plain", "tar", "bzip2", "gzip of text", "empty tar", "bad deflate"])
def test_while_receiving_a_wrong_one_is_told_early(name: str) -> None:
    content, words = WRONG[name]
    assert words in (problem_of(content[:1024], more=True) or "")


def test_with_the_whole_head_there_is_no_waiting_for_more() -> None:
    empty_blocks = b"\x00\x00\x00\xff\xff" * HEAD  # deflate that never gives a byte
    assert problem_of(b"\x1f\x8b\x08" + bytes(7) + empty_blocks, more=True) is not None
