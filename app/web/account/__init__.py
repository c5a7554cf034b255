"""One's own account: how to sign in, where one is signed in, tokens, language, notices."""

from app.web.account.blueprint import blueprint

__all__ = ["blueprint"]
