"""What people prove with who they are, besides a password; and sign-ins that are half done."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, LargeBinary, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.domain.factors import LinkPurpose
from app.models.account import Account
from app.models.base import Base, WithCreation, WithId, text_enum


class PendingSignIn(WithId, WithCreation, Base):
    """Somebody who proved one factor and still owes another. It opens nothing but the page that asks."""

    __tablename__ = "pending_sign_in"

    account_id: Mapped[UUID] = mapped_column(ForeignKey("account.id", ondelete="CASCADE"), index=True)
    factor: Mapped[str] = mapped_column(String(32))  # the one that was proved
    target: Mapped[str] = mapped_column(String(2000))  # path to go to afterwards
    expires_at: Mapped[datetime]
    failures: Mapped[int] = mapped_column(
        server_default="0", default=0
    )  # codes; counted before they are read

    account: Mapped[Account] = relationship(lazy="joined", innerjoin=True)


class Totp(WithCreation, Base):
    """A shared secret for one-time codes by time (RFC 6238). In use once it has a ``confirmed_at``."""

    __tablename__ = "totp"

    account_id: Mapped[UUID] = mapped_column(ForeignKey("account.id", ondelete="CASCADE"), primary_key=True)
    secret: Mapped[str] = mapped_column(String(400))  # encrypted (`services.vault`)
    confirmed_at: Mapped[datetime | None]
    last_counter: Mapped[int | None]  # time step of the last code taken: none is taken twice


class RecoveryCode(WithId, WithCreation, Base):
    """One of the codes that stand in for a lost second factor, once. Only its SHA-256 is kept."""

    __tablename__ = "recovery_code"
    __table_args__ = (UniqueConstraint("account_id", "code_hash"),)

    account_id: Mapped[UUID] = mapped_column(ForeignKey("account.id", ondelete="CASCADE"))
    code_hash: Mapped[str] = mapped_column(String(64))
    used_at: Mapped[datetime | None]


class Passkey(WithId, WithCreation, Base):
    """A WebAuthn credential: the public half."""

    __tablename__ = "passkey"

    account_id: Mapped[UUID] = mapped_column(ForeignKey("account.id", ondelete="CASCADE"), index=True)
    name: Mapped[str] = mapped_column(String(100))
    credential_id: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    public_key: Mapped[bytes] = mapped_column(LargeBinary)  # COSE
    sign_count: Mapped[int] = mapped_column(server_default="0", default=0)
    transports: Mapped[list[str]]
    backed_up: Mapped[bool]  # it lives in a cloud, not in one device
    last_used_at: Mapped[datetime | None]

    account: Mapped[Account] = relationship(lazy="joined", innerjoin=True)


class PasskeyChallenge(WithId, WithCreation, Base):
    """What a passkey is asked to sign: once, and soon. ``account_id`` None: whoever it belongs to."""

    __tablename__ = "passkey_challenge"

    account_id: Mapped[UUID | None] = mapped_column(ForeignKey("account.id", ondelete="CASCADE"), index=True)
    purpose: Mapped[str] = mapped_column(String(16))
    challenge: Mapped[bytes] = mapped_column(LargeBinary)
    expires_at: Mapped[datetime]


class AccountLink(WithId, WithCreation, Base):
    """A link that was mailed, good once: an invitation, a password reset. Only its SHA-256 is kept."""

    __tablename__ = "account_link"

    account_id: Mapped[UUID] = mapped_column(ForeignKey("account.id", ondelete="CASCADE"), index=True)
    purpose: Mapped[LinkPurpose] = mapped_column(text_enum(LinkPurpose))
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]

    account: Mapped[Account] = relationship(lazy="joined", innerjoin=True)
