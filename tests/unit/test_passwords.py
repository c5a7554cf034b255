"""Which passwords are taken. ASVS 6.2."""

from time import perf_counter

import pytest

from app.domain.errors import InvalidInputError
from app.services import passwords

ANN = ("ann.lee@acme.example", "Ann Lee", "Initrode", "initrode")


def refused(password: str) -> str:
    """Return why the password is refused for Ann; empty if it is taken."""
    try:
        passwords.check(password, ANN)
    except InvalidInputError as error:
        return error.message
    return ""


@pytest.mark.parametrize(
    "password",
    [
        "correct horse battery",
        "quiet otters mend kites",  # no capitals, digits, signs: length is enough
        "v7Kq-2mNx-wT4e",
        "Löwenzahn über Mähdrescher",
        "四つの関係のない言葉を並べる長い合言葉",
        "quiet otters mend kites " * 10,
        "🦦🪁🧵🔑🌧️🥁🧭🪵🎈🫖🧂🛶",
    ],
)
def test_what_is_long_and_nobody_guesses_is_taken(password: str) -> None:
    assert refused(password) == ""


@pytest.mark.parametrize("password", ["", "x", "v7Kq-2mNx-w", "v7Kq-2mNx-wT4e" * 19])
def test_too_short_and_too_long(password: str) -> None:
    assert refused(password) == "A password has 12 to 256 characters."


@pytest.mark.parametrize(
    ("password", "why"),
    [
        ("password1234", "attackers try first"),
        ("Password123!", "attackers try first"),
        ("P4ssw0rd1234", "attackers try first"),
        ("iloveyou1234", "attackers try first"),
        ("qwertyuiop12", "attackers try first"),
        ("aaaaaaaaaaaa", "repeats itself"),
        ("passwordpassword", "repeats itself"),
        ("abcdefghijkl", "repeats itself, or follows the alphabet"),
        (" " * 12, "repeats itself"),
        ("ann.lee@acme.example", "your mail address"),
        ("Ann.Lee@ACME.example", "your mail address"),
        ("annlee123456", "your name"),
        ("initrode2026", "your organisation"),
        ("Initrode1234!", "your organisation"),
        ("Diagport2026!", "can be guessed"),
    ],
)
def test_what_is_guessed_first_is_refused_and_why(password: str, why: str) -> None:
    message = refused(password)
    assert why in message
    assert "four words" in message, "it says what would do"
    assert password not in message


def test_what_one_person_is_called_says_nothing_of_another() -> None:
    """zxcvbn itself would keep it in a table that all threads share."""
    assert refused("initrode2026")
    with pytest.raises(InvalidInputError, match="can be guessed"):
        passwords.check("tyrell-corp-1", ("bob@example.com", "tyrell corp", "tyrell-corp"))
    from zxcvbn import matching  # type: ignore[import-untyped]

    assert "user_inputs" not in matching.RANKED_DICTIONARIES


@pytest.mark.parametrize("password", ["4@8({[<3691!|7+0$5%2", "1!|7({[<69+5$@48", "ab" * 8, "\x00", "ß"])
def test_what_is_made_to_take_long_does_not(password: str) -> None:
    """256 characters of these take zxcvbn minutes."""
    begun = perf_counter()
    refused((password * 256)[:256])
    assert perf_counter() - begun < 5
