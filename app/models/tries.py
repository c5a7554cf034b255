"""Tries that failed: at passwords, codes, links."""

from datetime import datetime

from sqlalchemy import Index, String, func
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base


class TryCount(Base):
    """How often somebody in one network failed at one thing lately. In Postgres, because Redis may vanish."""

    __tablename__ = "try_count"
    __table_args__ = (Index(None, "since"),)

    kind: Mapped[str] = mapped_column(String(32), primary_key=True)
    subject: Mapped[str] = mapped_column(
        String(64), primary_key=True
    )  # SHA-256 of whom it is tried as; "" for all
    network: Mapped[str] = mapped_column(
        String(64), primary_key=True
    )  # CIDR: /24 of IPv4, /64 of IPv6; "*" for all
    failures: Mapped[int]
    since: Mapped[datetime] = mapped_column(server_default=func.now())  # the first of them
    last_at: Mapped[datetime] = mapped_column(server_default=func.now())
