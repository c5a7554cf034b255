"""What admins see: people, organisations, integrations, audit."""

import app.web.admin.audit
import app.web.admin.bulk
import app.web.admin.channels
import app.web.admin.deliveries
import app.web.admin.health
import app.web.admin.issuers
import app.web.admin.machines
import app.web.admin.organisations
import app.web.admin.people
import app.web.admin.person
import app.web.admin.person_mail
import app.web.admin.providers  # noqa: F401  # their routes hang on the blueprint
from app.web.admin.blueprint import blueprint

__all__ = ["blueprint"]
