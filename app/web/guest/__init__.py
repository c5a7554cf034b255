"""The pages of people who have a ticket and no account."""

import app.web.guest.unsubscribing
import app.web.guest.views  # noqa: F401  # their routes hang on the blueprint
from app.web.guest.blueprint import blueprint

__all__ = ["blueprint"]
