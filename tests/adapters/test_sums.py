"""Whether what a store tells of an object shows that it is another one. T27."""

import pytest

from app.adapters.storage.s3.sums import Sums, sha256_of

CONTENT = b"a bundle"
RIGHT, WRONG = sha256_of(CONTENT), sha256_of(b"another")
OURS = Sums.of(CONTENT)
MD5 = OURS.md5 or ""
NO_MD5 = "0" * 32


@pytest.mark.parametrize(
    ("etag", "sha256", "another"),
    [
        (MD5, RIGHT, False),
        (NO_MD5, RIGHT, False),  # as SSE-KMS has it: it looks like one
        (f"{NO_MD5}-2", f"{RIGHT}-2", False),
        (MD5, WRONG, True),
        (NO_MD5, WRONG, True),
        (MD5, None, False),
        (NO_MD5, None, True),
        (f"{NO_MD5}-2", None, True),
        ("no-md5-at-all", None, False),
    ],
)
def test_the_sha256_decides_where_it_is_told(etag: str, sha256: str | None, another: bool) -> None:
    assert OURS.contradict(etag, sha256) is another


@pytest.mark.parametrize("sums", [OURS, Sums(MD5, None), Sums(None, RIGHT), Sums(None, None)])
def test_they_are_kept_as_a_text(sums: Sums) -> None:
    assert Sums.read(str(sums)) == sums
