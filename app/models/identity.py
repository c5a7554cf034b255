"""Whom we believe when they say who somebody is: OIDC providers for people, token issuers for machines."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.models.account import Account, Organisation
from app.models.base import Base, WithCreation, WithId


class IdentityProvider(WithId, WithCreation, Base):
    """An OpenID provider by which people sign in (OpenID Connect Core 1.0)."""

    __tablename__ = "identity_provider"
    __table_args__ = (
        CheckConstraint("NOT (for_staff AND organisation_id IS NOT NULL)", name="for_staff_or_one"),
    )

    slug: Mapped[str] = mapped_column(String(63), unique=True)  # in the redirect address
    name: Mapped[str] = mapped_column(String(100))  # on the button
    issuer: Mapped[str] = mapped_column(String(500))  # URL; <issuer>/.well-known/openid-configuration
    client_id: Mapped[str] = mapped_column(String(200))
    client_secret: Mapped[str | None] = mapped_column(String(1000))  # encrypted (`services.vault`)
    domains: Mapped[list[str]] = mapped_column(
        server_default=text("'[]'"), default=list
    )  # of mail, lower case
    for_staff: Mapped[bool] = mapped_column(server_default="false", default=False)  # engineers and admins
    organisation_id: Mapped[UUID | None] = mapped_column(ForeignKey("organisation.id"))  # its people only
    create_accounts: Mapped[bool] = mapped_column(  # for who was not invited (just in time)
        server_default="false", default=False
    )
    #: {"role": claim, "roles": {value: role}, "organisation": claim, "organisations": {value: slug},
    #: "verified": claim that says that the mail address is verified, instead of "email_verified"}
    mapping: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'"), default=dict)
    listed: Mapped[bool] = mapped_column(server_default="true", default=True)  # a button for everybody to see
    disabled_at: Mapped[datetime | None]

    organisation: Mapped[Organisation | None] = relationship(lazy="joined")


class Identity(WithId, WithCreation, Base):
    """Who an account is at a provider: (provider, subject), never a mail address."""

    __tablename__ = "identity"
    __table_args__ = (UniqueConstraint("provider_id", "subject"),)

    account_id: Mapped[UUID] = mapped_column(ForeignKey("account.id", ondelete="CASCADE"), index=True)
    provider_id: Mapped[UUID] = mapped_column(ForeignKey("identity_provider.id", ondelete="CASCADE"))
    subject: Mapped[str] = mapped_column(String(255))
    email: Mapped[str | None] = mapped_column(String(254))  # as the provider last said, for people to read
    last_used_at: Mapped[datetime | None]

    account: Mapped[Account] = relationship(lazy="joined", innerjoin=True)
    provider: Mapped[IdentityProvider] = relationship(lazy="joined", innerjoin=True)


class ProviderSignIn(WithId, WithCreation, Base):
    """Somebody who was sent to a provider and is not back yet. Only the SHA-256 of what is secret is kept.

    Good once, for the browser that was sent (RFC 9700 section 4.7).
    """

    __tablename__ = "provider_sign_in"

    provider_id: Mapped[UUID] = mapped_column(ForeignKey("identity_provider.id", ondelete="CASCADE"))
    state_hash: Mapped[str] = mapped_column(String(64), unique=True)
    browser_hash: Mapped[str] = mapped_column(String(64))  # of what its session cookie holds
    nonce: Mapped[str] = mapped_column(String(64))
    verifier: Mapped[str] = mapped_column(String(128))  # of PKCE (RFC 7636)
    target: Mapped[str] = mapped_column(String(2000))  # path to go to afterwards
    session_id: Mapped[UUID | None]  # the session to be confirmed; None: a sign-in
    expires_at: Mapped[datetime] = mapped_column(index=True)

    provider: Mapped[IdentityProvider] = relationship(lazy="joined", innerjoin=True)


class TokenIssuer(WithId, WithCreation, Base):
    """An organisation's issuer of JWTs, and the service account its tokens act as (RFC 9068, RFC 7523)."""

    __tablename__ = "token_issuer"
    __table_args__ = (UniqueConstraint("issuer", "audience", "client_id"),)

    account_id: Mapped[UUID] = mapped_column(
        ForeignKey("account.id"), unique=True
    )  # a machine of the organisation
    name: Mapped[str] = mapped_column(String(100))
    issuer: Mapped[str] = mapped_column(String(500))  # the claim "iss", exactly
    audience: Mapped[str] = mapped_column(String(500))  # must be in the claim "aud"
    client_id: Mapped[str] = mapped_column(String(200))  # the claim "client_id", "azp" or "sub", exactly
    jwks_url: Mapped[str] = mapped_column(String(500))
    algorithms: Mapped[list[str]]  # of RS256 and ES256
    scopes: Mapped[list[str]]  # most that its tokens may do, of `policy.Scope`; "admin" is never among them
    disabled_at: Mapped[datetime | None]
    last_used_at: Mapped[datetime | None]

    account: Mapped[Account] = relationship(lazy="joined", innerjoin=True)
