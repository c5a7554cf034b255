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
from app.models.channel import Channel
from app.models.counter import Counter, CounterMark
from app.models.delivery import Delivery, EventRecord
from app.models.factor import AccountLink, Passkey, PasskeyChallenge, PendingSignIn, RecoveryCode, Totp
from app.models.gate import EngineStatus, Gate, ScannerTest
from app.models.identity import Identity, IdentityProvider, ProviderSignIn, TokenIssuer
from app.models.notice import CaseFollow, KnownDevice, Notice, Subscription, UploadSight
from app.models.step_run import StepRun
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
    "CaseFollow",
    "Channel",
    "Counter",
    "CounterMark",
    "Delivery",
    "EngineStatus",
    "EventRecord",
    "Gate",
    "Identity",
    "IdentityProvider",
    "KnownDevice",
    "Notice",
    "Organisation",
    "OrganisationDomain",
    "Passkey",
    "PasskeyChallenge",
    "PendingSignIn",
    "ProviderSignIn",
    "RecoveryCode",
    "Scan",
    "ScannerTest",
    "SignInSession",
    "StepRun",
    "Subscription",
    "Ticket",
    "TokenIssuer",
    "Totp",
    "TryCount",
    "Upload",
    "UploadSight",
]
