"""Sizes and mail domains, as people write them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.errors import InvalidInputError
from app.domain.organisations import clean_domains
from app.domain.sizes import MAX_BYTES, exact_size, parse_size


@pytest.mark.parametrize(
    ("typed", "size"),
    [
        ("200 GB", 200 * 10**9),
        ("1.5tb", 1_500 * 10**9),
        (" 500MB ", 500 * 10**6),
        ("1,000", 1000),
        ("7 b", 7),
        ("0", 0),
    ],
)
def test_a_size_is_read(typed: str, size: int) -> None:
    assert parse_size(typed) == size


@pytest.mark.parametrize(
    "typed", ["", "much", "-1 GB", "1 GiB", "0.5", "1e9", "{{7*7}}", "10000 PB", "\u0661 GB", "1 GB\n2 GB"]
)
def test_what_is_no_size_is_refused(typed: str) -> None:
    with pytest.raises(InvalidInputError, match="Write a size like"):
        parse_size(typed)


@given(st.integers(0, MAX_BYTES))
def test_what_stands_in_the_form_is_read_as_it_was(size: int) -> None:
    assert parse_size(exact_size(size)) == size


def test_two_names_in_the_dns_stay_two_and_one_stays_one() -> None:
    """What older IDNA took for one: a letter of its own, and what it was once written as."""
    typed = [
        "Stra\u00dfe.example",
        "strasse.example",
        "@STRASSE.example",
        "xn--strae-oqa.example",
        "\uff41.example",
    ]
    assert clean_domains(typed) == ("xn--strae-oqa.example", "strasse.example", "a.example")


@pytest.mark.parametrize(
    "typed", ["nobody", "a b.example", "a..example", "-a.example", "a@b.example", "127.0.0.1", "{{7*7}}"]
)
def test_what_is_no_domain_is_refused(typed: str) -> None:
    with pytest.raises(InvalidInputError, match="is not a mail domain"):
        clean_domains([typed])
