"""The pages of everybody who is signed in: home, the list, one upload, its receipt, its bytes."""

from app.web.portal import download, files, home
from app.web.portal.blueprint import blueprint

__all__ = ["blueprint", "download", "files", "home"]
