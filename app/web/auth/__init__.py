"""Signing in, once more in between, and out."""

import app.web.auth.activation
import app.web.auth.again
import app.web.auth.passkeys
import app.web.auth.provider
import app.web.auth.reset
import app.web.auth.second
import app.web.auth.views  # noqa: F401  # their routes hang on the blueprint
from app.web.auth.blueprint import blueprint

__all__ = ["blueprint"]
