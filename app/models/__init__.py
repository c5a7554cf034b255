"""The tables, one file per aggregate."""

from app.models.account import (
    Account,
    AccountKind,
    ApiToken,
    Organisation,
    OrganisationDomain,
    SignInSession,
)
from app.models.audit import AuditChain, AuditEvent
from app.models.base import Base
from app.models.case import Case, Ticket
from app.models.delivery import Delivery
from app.models.factor import AccountLink, Passkey, PasskeyChallenge, PendingSignIn, RecoveryCode, Totp
from app.models.gate import EngineStatus, Gate
from app.models.identity import Identity, IdentityProvider, ProviderSignIn, TokenIssuer
from app.models.tries import TryCount
from app.models.upload import Scan, Upload

__all__ = [
    "Account",
    "AccountKind",
    "AccountLink",
    "ApiToken",
    "AuditChain",
    "AuditEvent",
    "Base",
    "Case",
    "Delivery",
    "EngineStatus",
    "Gate",
    "Identity",
    "IdentityProvider",
    "Organisation",
    "OrganisationDomain",
    "Passkey",
    "PasskeyChallenge",
    "PendingSignIn",
    "ProviderSignIn",
    "RecoveryCode",
    "Scan",
    "SignInSession",
    "Ticket",
    "TokenIssuer",
    "Totp",
    "TryCount",
    "Upload",
]
