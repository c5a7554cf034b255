"""How a bundle is cut into parts that S3 takes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.errors import InvalidInputError
from app.domain.parts import MOST, SMALLEST, Cut, checked_sha256

MIB = 1024**2


@given(st.integers(1, 5 * 10**12))
def test_the_parts_are_the_whole_and_few(size: int) -> None:
    cut = Cut(size)
    assert 1 <= cut.count <= MOST
    assert SMALLEST <= cut.part_size <= 5 * 1024**3, "S3 takes no larger part"
    assert cut.part_size * (cut.count - 1) + cut.size_of(cut.count) == size
    assert 1 <= cut.size_of(cut.count) <= cut.part_size


def test_twenty_gigabytes() -> None:
    assert (Cut(20 * 10**9).part_size, Cut(20 * 10**9).count) == (20 * MIB, 954)


@pytest.mark.parametrize("number", [0, -1, 3])
def test_there_is_no_such_part(number: int) -> None:
    with pytest.raises(InvalidInputError, match="parts 1 to 2"):
        Cut(17 * MIB).size_of(number)


@pytest.mark.parametrize("value", [None, 1, "", "abc", "c2hvcnQ=", "!" * 44, "A" * 88])
def test_what_is_no_sha256(value: object) -> None:
    with pytest.raises(InvalidInputError):
        checked_sha256(value)
