"""What people type for a second factor, however they write it. C15."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.one_time_code import digest, generate_recovery, parse_digits, parse_recovery

ZEROS = [
    chr(at)
    for at in range(0x110000)
    if unicodedata.category(chr(at)) == "Nd" and unicodedata.decimal(chr(at)) == 0
]
CODES = st.integers(0, 999_999).map("{:06}".format)
BLANKS = st.text(st.sampled_from(" -\t\n\u00a0\u2009\u3000.·"), max_size=3)


@given(code=CODES, zero=st.sampled_from(ZEROS), blanks=st.lists(BLANKS, min_size=7, max_size=7))
def test_digits_of_any_script_with_any_blanks(code: str, zero: str, blanks: list[str]) -> None:
    written = "".join(blank + chr(ord(zero) + int(digit)) for blank, digit in zip(blanks, code, strict=False))
    assert parse_digits(written + blanks[6]) == code


@pytest.mark.parametrize(
    "typed", [None, "", "12345", "1234567", "12345a", "12345²", "١٢٣٤٥", "0x1234", "-12345"]
)
def test_what_is_no_code(typed: str | None) -> None:
    assert parse_digits(typed) is None


@given(typed=st.text(max_size=300))
def test_whatever_is_typed_is_six_ascii_digits_or_nothing(typed: str) -> None:
    code = parse_digits(typed)
    assert code is None or (len(code) == 6 and code.isascii() and code.isdigit())


ALIKE = {"1": "IiLl", "0": "Oo"}
LETTERS = st.text(st.sampled_from("0123456789ABCDEFGHJKMNPQRSTVWXYZ"), min_size=12, max_size=12)


@given(letters=LETTERS, data=st.data())
def test_recovery_codes_are_read_as_people_write_them(letters: str, data: st.DataObject) -> None:
    written = "".join(
        data.draw(BLANKS) + data.draw(st.sampled_from([letter, letter.lower(), *ALIKE.get(letter, ())]))
        for letter in letters
    )
    assert parse_recovery(written) == f"{letters[:4]}-{letters[4:8]}-{letters[8:]}"


@given(typed=st.text(max_size=300))
def test_whatever_is_typed_is_a_recovery_code_or_nothing(typed: str) -> None:
    code = parse_recovery(typed)
    assert code is None or parse_recovery(code) == code


def test_recovery_codes_cannot_be_guessed() -> None:
    codes = {generate_recovery() for _ in range(1000)}
    assert len(codes) == 1000
    assert all(len(code.replace("-", "")) * 5 >= 50 for code in codes)
    assert len({digest(code) for code in codes}) == 1000
