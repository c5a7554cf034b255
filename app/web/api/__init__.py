"""The JSON interface for machines."""

from app.web.api.views import blueprint

__all__ = ["blueprint"]
