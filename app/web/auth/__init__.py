"""Signing in and out."""

from app.web.auth.views import blueprint

__all__ = ["blueprint"]
