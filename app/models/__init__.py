"""The tables, one file per aggregate."""

from app.models.account import Account, ApiToken, Organisation, SignInSession
from app.models.audit import AuditEvent
from app.models.base import Base
from app.models.case import Case, Ticket
from app.models.delivery import Delivery
from app.models.gate import EngineStatus, Gate
from app.models.upload import Scan, Upload

__all__ = [
    "Account",
    "ApiToken",
    "AuditEvent",
    "Base",
    "Case",
    "Delivery",
    "EngineStatus",
    "Gate",
    "Organisation",
    "Scan",
    "SignInSession",
    "Ticket",
    "Upload",
]
