"""Ticket codes: what people make of them, and what the checksum notices."""

from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from app.domain import ticket_code

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
codes = st.text(ALPHABET, min_size=26, max_size=26).map(
    lambda body: ticket_code._grouped(body + ticket_code._check(body))
)
places = st.integers(0, 27)


def bare(code: str) -> str:
    return code.replace("-", "")


def test_a_code_has_130_random_bits_in_seven_groups() -> None:
    made = {ticket_code.generate() for _ in range(1000)}
    assert len(made) == 1000
    for code in made:
        assert ticket_code.parse(code) == code
        assert [len(group) for group in code.split("-")] == [4] * 7
        assert set(bare(code)) <= set(ALPHABET)
    for place in range(26):
        assert len({bare(code)[place] for code in made}) == 32, place


@given(code=codes, data=st.data())
def test_every_spelling_is_the_same_code(code: str, data: Any) -> None:
    spelt = ""
    for letter in code:
        looks_like = {"0": "0Oo", "1": "1IiLl"}.get(letter, letter + letter.lower())
        spelt += data.draw(st.sampled_from(looks_like))
        spelt += data.draw(st.sampled_from(["", "", "", " ", "-", "\t", "\u2013", "\u00a0", "\r\n", "."]))
    assert ticket_code.parse(spelt) == code
    assert ticket_code.parse(bare(code).lower()) == code


@given(code=codes, place=places, other=st.sampled_from(ALPHABET))
def test_one_wrong_character_is_noticed(code: str, place: int, other: str) -> None:
    plain = bare(code)
    assume(plain[place] != other)
    assert ticket_code.parse(plain[:place] + other + plain[place + 1 :]) is None


@given(code=codes, place=st.integers(0, 26), apart=st.sampled_from([1, 2]))
def test_two_characters_that_changed_places_are_noticed(code: str, place: int, apart: int) -> None:
    letters = list(bare(code))
    other = min(place + apart, 27)
    assume(letters[place] != letters[other])
    letters[place], letters[other] = letters[other], letters[place]
    assert ticket_code.parse("".join(letters)) is None


@given(code=codes, place=places)
def test_one_character_less_or_more_is_noticed(code: str, place: int) -> None:
    plain = bare(code)
    assert ticket_code.parse(plain[:place] + plain[place + 1 :]) is None
    assert ticket_code.parse(plain[:place] + "7" + plain[place:]) is None


@given(text=st.text(max_size=300))
def test_any_text_is_read_or_refused(text: str) -> None:
    code = ticket_code.parse(text)
    assert code is None or ticket_code.parse(code) == code


@pytest.mark.parametrize("typed", [None, "", "-", "U" * 28, "é" * 28, "²" * 28, "0" * 28, "A" * 10**6])
def test_what_can_be_no_code(typed: str | None) -> None:
    assert ticket_code.parse(typed) is None


def test_what_is_kept_says_nothing_of_the_code() -> None:
    code = ticket_code.generate()
    kept = ticket_code.digest(code)
    assert len(kept) == 64
    assert set(kept) <= set("0123456789abcdef")
    assert kept != ticket_code.digest(ticket_code.generate())
