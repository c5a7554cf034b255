"""Signing in, once more in between, and out."""

import app.web.auth.again
import app.web.auth.views  # noqa: F401  # their routes hang on the blueprint
from app.web.auth.blueprint import blueprint

__all__ = ["blueprint"]
