"""The bytes of one upload."""

from uuid import UUID

from flask.typing import ResponseReturnValue

from app.domain.policy import Permission
from app.web.access import requires
from app.web.fetching import send_upload
from app.web.portal.blueprint import blueprint


@blueprint.get("/download/<uuid:upload_id>")
@requires(Permission.UPLOAD_DOWNLOAD)
def download(upload_id: UUID) -> ResponseReturnValue:
    """Send a clean upload, to staff a released one too, as an attachment under its original name."""
    return send_upload(upload_id)
