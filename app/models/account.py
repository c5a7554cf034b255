"""Organisations, the people in them, and what they hold: sessions and API tokens."""

from datetime import datetime, time
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, func, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.domain.policy import Role
from app.domain.retention import RetentionSince
from app.models.base import Base, WithCreation, WithId, text_enum


class Organisation(WithId, WithCreation, Base):
    __tablename__ = "organisation"
    __table_args__ = (CheckConstraint("used_bytes >= 0 AND used_uploads >= 0", name="use_not_negative"),)

    slug: Mapped[str] = mapped_column(String(63), unique=True)
    name: Mapped[str] = mapped_column(String(200))
    quota_bytes: Mapped[int | None]  # most that may be stored; None: no limit
    quota_uploads: Mapped[int | None]
    used_bytes: Mapped[int] = mapped_column(server_default="0", default=0)  # reserved, or stored
    used_uploads: Mapped[int] = mapped_column(server_default="0", default=0)
    retention_days: Mapped[int | None]  # bundles are kept so long; None: until somebody deletes them
    retention_since: Mapped[RetentionSince] = mapped_column(  # what the days are counted from
        text_enum(RetentionSince), server_default="received", default=RetentionSince.RECEIVED
    )
    retention_changed_at: Mapped[datetime | None]  # its bundles' dates are still to be written anew
    contacts: Mapped[list[str]] = mapped_column(  # mail addresses, to write to about the organisation
        server_default=text("'[]'"), default=list
    )
    suspended_at: Mapped[datetime | None]  # nobody of it gets in; what it sent stays

    domains: Mapped[list["OrganisationDomain"]] = relationship(
        lazy="selectin", order_by="OrganisationDomain.domain", cascade="all, delete-orphan"
    )


class OrganisationDomain(Base):
    """A mail domain whose people belong to the organisation, for sign-in through a provider."""

    __tablename__ = "organisation_domain"

    domain: Mapped[str] = mapped_column(String(253), primary_key=True)  # lower case, in its ASCII form
    organisation_id: Mapped[UUID] = mapped_column(
        ForeignKey("organisation.id", ondelete="CASCADE"), index=True
    )


class AccountKind(StrEnum):
    PERSON = "person"
    MACHINE = "machine"  # a service account: acts by tokens, never signs in, gets no mail


class Account(WithId, WithCreation, Base):
    """Who may act: a person, or a machine of an organisation.

    A person who was invited and has not come yet has no ``activated_at``; one who is suspended is
    not ``active``. An account is never deleted: what it did still names it.
    """

    __tablename__ = "account"
    __table_args__ = (
        CheckConstraint("(role = 'customer') = (organisation_id IS NOT NULL)", name="customers_have_one"),
        CheckConstraint("NOT manager OR role = 'customer'", name="managers_are_customers"),
        CheckConstraint("kind = 'person' OR (role = 'customer' AND password_hash IS NULL)", name="machines"),
        CheckConstraint("(quiet_from IS NULL) = (quiet_until IS NULL)", name="quiet_hours_end"),
        Index("uq_account_email", text("lower(email)"), unique=True),
        # /admin/people: by name, all and of one organisation.
        Index(None, "name", "id"),
        Index(None, "organisation_id"),
    )

    email: Mapped[str] = mapped_column(String(254))
    name: Mapped[str] = mapped_column(String(200))
    role: Mapped[Role] = mapped_column(text_enum(Role))
    organisation_id: Mapped[UUID | None] = mapped_column(ForeignKey("organisation.id"))
    password_hash: Mapped[str | None] = mapped_column(String(255))  # argon2id, PHC string
    active: Mapped[bool] = mapped_column(server_default="true", default=True)
    kind: Mapped[AccountKind] = mapped_column(
        text_enum(AccountKind), server_default="person", default=AccountKind.PERSON
    )
    manager: Mapped[bool] = mapped_column(server_default="false", default=False)  # invites colleagues
    activated_at: Mapped[datetime | None]  # when the person first chose how to sign in
    signed_in_at: Mapped[datetime | None]  # last
    locale: Mapped[str] = mapped_column(String(16), server_default="en-GB", default="en-GB")  # BCP 47
    time_zone: Mapped[str] = mapped_column(
        String(64), server_default="UTC", default="UTC"
    )  # of the tz database
    quiet_from: Mapped[time | None]  # by the clock on their wall: nothing is mailed that can wait ...
    quiet_until: Mapped[time | None]  # ... until then
    digest_at: Mapped[time] = mapped_column(server_default="08:00", default=time(8))  # the same clock

    organisation: Mapped[Organisation | None] = relationship(lazy="joined")


class SignInSession(WithId, WithCreation, Base):
    """One browser, signed in. The row is the session: deleting it ends it at once."""

    __tablename__ = "sign_in_session"

    account_id: Mapped[UUID] = mapped_column(ForeignKey("account.id", ondelete="CASCADE"), index=True)
    last_seen_at: Mapped[datetime] = mapped_column(server_default=func.now())
    confirmed_at: Mapped[datetime] = mapped_column(
        server_default=func.now()
    )  # the person last proved it is them
    kept: Mapped[dict[str, Any] | None]  # {"path": ..., "fields": {...}}: typed, and to be proven first
    address: Mapped[str | None] = mapped_column(String(45))
    user_agent: Mapped[str | None] = mapped_column(String(400))
    factors: Mapped[list[str]] = mapped_column(  # what proved who it is: of `domain.factors.Factor`
        server_default=text("'[]'"), default=list
    )
    provider_id: Mapped[UUID | None] = mapped_column(ForeignKey("identity_provider.id", ondelete="CASCADE"))


class ApiToken(WithId, WithCreation, Base):
    """Only the SHA-256 of a token is kept; 256 random bits need no slow hash.

    It may do what its account may do, as far as one of its scopes covers that.
    """

    __tablename__ = "api_token"

    account_id: Mapped[UUID] = mapped_column(ForeignKey("account.id", ondelete="CASCADE"), index=True)
    name: Mapped[str] = mapped_column(String(100))
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    hint: Mapped[str] = mapped_column(String(12), server_default="", default="")  # how it begins
    scopes: Mapped[list[str]] = mapped_column(server_default=text("'[]'"))  # of `policy.Scope`
    expires_at: Mapped[datetime | None]
    last_used_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
