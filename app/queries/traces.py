"""Which trace goes on where."""

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.models import Delivery, Upload


def of_delivery(session: Session, delivery_id: UUID) -> str | None:
    """Return the traceparent of the request that sealed what a delivery tells of."""
    of_upload = select(Upload.trace).join(Delivery, Delivery.upload_id == Upload.id)
    return session.scalar(of_upload.where(Delivery.id == delivery_id))
