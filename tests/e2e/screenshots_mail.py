"""The pictures of a mail: what the mail sink caught, as a mail program shows it."""

from pathlib import Path
from typing import Any, Final

import requests
from playwright.sync_api import Browser, expect

from tests.live import eventually

_LOOKS: Final[list[tuple[str, dict[str, Any]]]] = [
    ("", {"viewport": {"width": 1000, "height": 800}, "color_scheme": "light"}),
    (
        "-phone-dark",
        {"viewport": {"width": 360, "height": 740}, "color_scheme": "dark", "device_scale_factor": 2},
    ),
]


def take_of_mail(browser: Browser, sink: str, subject: str, words: str, into: Path) -> None:
    """Wait for a mail whose subject and text have these words, and take it."""

    def found() -> int | None:
        mails = requests.get(f"{sink}/messages", timeout=60).json()
        numbers = [
            at for at, mail in enumerate(mails, 1) if subject in mail["subject"] and words in mail["text"]
        ]
        return numbers[-1] if numbers else None

    number = eventually(found, f"a mail about {subject}")
    for suffix, options in _LOOKS:
        context = browser.new_context(**options)
        page = context.new_page()
        page.goto(f"{sink}/messages/{number}")
        expect(page.get_by_role("heading", level=1)).to_be_visible()
        page.screenshot(path=into / f"mail{suffix}.png", full_page=True)
        context.close()
