"""What workers may run, by name. Nothing else that a queue holds is ever called."""

from collections.abc import Callable
from typing import Final

from app.domain.jobs import JobName
from app.jobs.deliver import deliver, spread_event
from app.jobs.scan_upload import rescan_upload, scan_upload
from app.system import System

JOBS: Final[dict[JobName, Callable[[System, str], None]]] = {
    JobName.SCAN_UPLOAD: scan_upload,
    JobName.SCAN_LARGE_UPLOAD: scan_upload,
    JobName.RESCAN_UPLOAD: rescan_upload,
    JobName.SPREAD_EVENT: spread_event,
    JobName.DELIVER: deliver,
}
