"""What forms of several pages share: fields whose rules stand in the domain, and asking why."""

from collections.abc import Callable, Sequence
from typing import Final

from flask_wtf import FlaskForm
from wtforms import Field, Form, TextAreaField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import ValidationError

from app.domain.errors import InvalidInputError
from app.domain.retention import RetentionSince

#: What the days of a retention are counted from, as choices.
SINCE: Final = [
    SelectChoice(RetentionSince.RECEIVED.value, "the bundle arrived"),
    SelectChoice(RetentionSince.DOWNLOADED.value, "it was last downloaded"),
    SelectChoice(RetentionSince.CLOSED.value, "its case was closed"),
]


class ReasonForm(FlaskForm):  # type: ignore[misc]
    reason = TextAreaField()


def clean(by: Callable[[str], object]) -> Callable[[Form, Field], None]:
    """Return a validator that says what ``by`` raises InvalidInputError about."""

    def check(_form: Form, field: Field) -> None:
        try:
            by(field.data or "")
        except InvalidInputError as error:
            raise ValidationError(error.message) from error

    return check


def lines(text: str | None) -> Sequence[str]:
    """Return what stands in a text area, one a line, or with commas between."""
    return [part.strip() for part in (text or "").replace(",", "\n").splitlines() if part.strip()]
