"""Mails as HTML: one constant template, everything in it escaped, nothing in it from elsewhere."""

from functools import cache
from pathlib import Path
from typing import Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template

from app.domain.letter import Letter

#: The directory that holds app/ and templates/.
_ROOT: Final = Path(__file__).resolve().parents[3]


def render(letter: Letter) -> str:
    """Return the mail as a whole HTML document."""
    return _template().render(letter=letter)


@cache
def _template() -> Template:
    return environment().get_template("mail/letter.html")


def environment() -> Environment:
    """Return what reads the templates of mails. No text of anybody's ever becomes a template."""
    return Environment(
        loader=FileSystemLoader(_ROOT / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
