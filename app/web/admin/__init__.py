"""What admins see: people, organisations, integrations, audit."""

from app.web.admin.blueprint import blueprint

__all__ = ["blueprint"]
