"""The JSON interface for machines."""

import app.web.api.cases
import app.web.api.tickets
import app.web.api.views  # noqa: F401  # their routes hang on the blueprint
from app.web.api.blueprint import blueprint

__all__ = ["blueprint"]
