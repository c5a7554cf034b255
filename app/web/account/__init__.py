"""One's own account: how to sign in, where one is signed in, tokens, language, notices."""

import app.web.account.factors
import app.web.account.notices
import app.web.account.passkeys
import app.web.account.preferences
import app.web.account.sessions
import app.web.account.tokens
import app.web.account.views  # noqa: F401  # their routes hang on the blueprint
from app.web.account.blueprint import blueprint

__all__ = ["blueprint"]
