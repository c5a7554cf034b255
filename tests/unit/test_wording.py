"""Dates, numbers and browsers, in words."""

from datetime import UTC, datetime
from zoneinfo import available_timezones

import pytest

from app.domain.locales import LOCALES
from app.web.account.preferences import locale_choices, zone_choices
from app.web.devices import device
from app.web.wording import filesize, manner_of, number, when

SUMMER = datetime(2026, 7, 21, 22, 5, tzinfo=UTC)
IPHONE = "iPhone; CPU iPhone OS 18_4 like Mac OS X"
WEBKIT = "AppleWebKit/605.1.15 (KHTML, like Gecko)"


@pytest.mark.parametrize(
    ("locale", "zone", "words"),
    [
        ("en-GB", "UTC", "21 Jul 2026, 22:05 UTC"),
        ("en-GB", "Europe/London", "21 Jul 2026, 23:05 BST"),
        ("en-US", "America/New_York", "Jul 21, 2026, 6:05\u202fPM EDT"),
        ("de-DE", "Europe/Berlin", "22.07.2026, 00:05 CEST"),
        ("pt-BR", "America/Sao_Paulo", "21 de jul. de 2026 19:05 UTC-03"),
        ("ja-JP", "Asia/Tokyo", "2026/07/22 7:05 JST"),
        ("xx-XX", "Europe/Atlantis", "21 Jul 2026, 22:05 UTC"),
        ("", "../../etc/passwd", "21 Jul 2026, 22:05 UTC"),
    ],
)
def test_a_moment_in_every_manner(locale: str, zone: str, words: str) -> None:
    """What is not known, or no more, is read as by who is not known."""
    assert manner_of(locale, zone).moment(SUMMER) == words


def test_who_is_not_known_reads_british_dates_in_utc() -> None:
    words = '<time datetime="2026-07-21T22:05:00+00:00">21 Jul 2026, 22:05 UTC</time>'
    assert when(SUMMER) == words
    assert when(None) == ""
    assert (number(1234567), filesize(4_628_644), filesize(999), filesize(None)) == (
        "1,234,567",
        "4.6 MB",
        "999 B",
        "unknown size",
    )


def test_every_locale_that_is_offered_is_known_and_shown() -> None:
    choices = dict(locale_choices())
    assert list(choices) == list(LOCALES)
    assert choices["de-DE"] == "German (Germany): 31.12.2026, 15:05; 1.234.567,8"
    assert {manner_of(tag, "UTC").tag for tag in LOCALES} == set(LOCALES)


def test_every_place_is_offered_once_and_may_be_chosen() -> None:
    offered = [name for _region, zones in zone_choices() for name, _place in zones]
    assert len(offered) == len(set(offered)) > 400
    assert set(offered) <= available_timezones()
    (europe,) = [zones for region, zones in zone_choices() if region == "Europe"]
    assert ("Europe/Berlin", "Berlin") in europe
    (america,) = [zones for region, zones in zone_choices() if region == "America"]
    assert ("America/Argentina/Buenos_Aires", "Buenos Aires (Argentina)") in america
    assert [place for _name, place in america] == sorted(place for _name, place in america)


@pytest.mark.parametrize(
    ("user_agent", "words"),
    [
        ("Mozilla/5.0 (Windows NT 10.0; rv:140.0) Gecko/20100101 Firefox/140.0", "Firefox on Windows"),
        (f"Mozilla/5.0 ({IPHONE}) {WEBKIT} Version/18.4 Mobile/15E148 Safari/604.1", "Mobile Safari on iOS"),
        ("curl/8.5.0", "curl"),
        ("\x00<script>alert(1)</script>", "An unknown browser"),
        ("x" * 400, "An unknown browser"),
        (None, "An unknown browser"),
    ],
)
def test_a_browser_in_words(user_agent: str | None, words: str) -> None:
    assert device(user_agent) == words
