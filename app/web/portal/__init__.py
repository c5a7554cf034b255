"""The pages of everybody who is signed in: home, the list, one upload, its receipt, its bytes, quarantine."""

import app.web.portal.download
import app.web.portal.files
import app.web.portal.home
import app.web.portal.quarantine  # noqa: F401  # their routes hang on the blueprint
from app.web.portal.blueprint import blueprint

__all__ = ["blueprint"]
