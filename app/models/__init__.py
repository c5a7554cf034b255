"""The tables, one file per aggregate."""

from app.models.account import Account, ApiToken, Organisation, SignInSession
from app.models.audit import AuditEvent
from app.models.base import Base
from app.models.delivery import Delivery
from app.models.upload import EngineStatus, Scan, Upload

__all__ = [
    "Account",
    "ApiToken",
    "AuditEvent",
    "Base",
    "Delivery",
    "EngineStatus",
    "Organisation",
    "Scan",
    "SignInSession",
    "Upload",
]
