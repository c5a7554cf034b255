"""The form of an organisation: what can be changed of it, as somebody types it."""

from typing import Final

from flask_wtf import FlaskForm
from wtforms import SelectField, StringField, TextAreaField

from app.domain import organisations as rules
from app.domain.organisations import Details
from app.domain.people import clean_name
from app.domain.retention import clean_since
from app.domain.sizes import exact_size
from app.models import Organisation
from app.web.fields import SINCE, clean, lines

#: The names of its fields, but for the short name, which stays.
DETAILS: Final = (
    "name",
    "domains",
    "quota_bytes",
    "quota_uploads",
    "retention_days",
    "retention_since",
    "contacts",
)


class OrganisationForm(FlaskForm):  # type: ignore[misc]
    name = StringField("Name", validators=[clean(clean_name)])
    domains = TextAreaField("Mail domains", validators=[clean(lambda text: rules.clean_domains(lines(text)))])
    quota_bytes = StringField("May store", validators=[clean(rules.clean_quota_bytes)])
    quota_uploads = StringField("Bundles", validators=[clean(rules.clean_quota_uploads)])
    retention_days = StringField("Keep bundles for", validators=[clean(rules.clean_retention)])
    retention_since = SelectField(
        "Counted from", choices=SINCE, validate_choice=False, validators=[clean(clean_since)]
    )
    contacts = TextAreaField("Contacts", validators=[clean(lambda text: rules.clean_contacts(lines(text)))])

    def details(self) -> Details:
        """Return what was typed. Raises InvalidInputError."""
        return Details(
            name=clean_name(self.name.data),
            domains=rules.clean_domains(lines(self.domains.data)),
            quota_bytes=rules.clean_quota_bytes(self.quota_bytes.data),
            quota_uploads=rules.clean_quota_uploads(self.quota_uploads.data),
            retention_days=rules.clean_retention(self.retention_days.data),
            retention_since=clean_since(self.retention_since.data),
            contacts=rules.clean_contacts(lines(self.contacts.data)),
        )


class NewOrganisationForm(OrganisationForm):
    slug = StringField("Short name", validators=[clean(rules.clean_slug)])


def as_typed(organisation: Organisation) -> dict[str, object]:
    """Return what stands in the form of an organisation."""
    return {
        "name": organisation.name,
        "domains": "\n".join(each.domain for each in organisation.domains),
        "quota_bytes": "" if organisation.quota_bytes is None else exact_size(organisation.quota_bytes),
        "quota_uploads": organisation.quota_uploads,
        "retention_days": organisation.retention_days,
        "retention_since": organisation.retention_since,
        "contacts": "\n".join(organisation.contacts),
    }
