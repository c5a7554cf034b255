"""The pages of everybody who is signed in: home, lists, one upload, one case, quarantine."""

import app.web.portal.activity
import app.web.portal.assigning
import app.web.portal.cases
import app.web.portal.colleagues
import app.web.portal.deleting
import app.web.portal.download
import app.web.portal.fetched
import app.web.portal.files
import app.web.portal.following
import app.web.portal.from_server
import app.web.portal.holds
import app.web.portal.home
import app.web.portal.inbox
import app.web.portal.keeping
import app.web.portal.notices
import app.web.portal.quarantine
import app.web.portal.tickets
import app.web.portal.withdrawing  # noqa: F401  # their routes hang on the blueprint
from app.web.portal.blueprint import blueprint

__all__ = ["blueprint"]
