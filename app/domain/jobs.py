"""The jobs there are. A queue carries only these names and the id of a row."""

from enum import StrEnum
from typing import Final


class QueueName(StrEnum):
    """One worker process serves one queue (RQ loses jobs when it waits on several)."""

    SCAN = "scan"
    SCAN_LARGE = "scan-large"  # large bundles and second scans, so that small fresh ones never wait behind
    DELIVER = "deliver"


class JobName(StrEnum):
    SCAN_UPLOAD = "scan_upload"
    SCAN_LARGE_UPLOAD = "scan_large_upload"
    RESCAN_UPLOAD = "rescan_upload"
    SPREAD_EVENT = "spread_event"
    DELIVER = "deliver"


QUEUE_OF: Final[dict[JobName, QueueName]] = {
    JobName.SCAN_UPLOAD: QueueName.SCAN,
    JobName.SCAN_LARGE_UPLOAD: QueueName.SCAN_LARGE,
    JobName.RESCAN_UPLOAD: QueueName.SCAN_LARGE,
    JobName.SPREAD_EVENT: QueueName.DELIVER,
    JobName.DELIVER: QueueName.DELIVER,
}


def first_scan(size: int, large: int) -> JobName:
    """Return the job that scans a new bundle of ``size`` bytes; over ``large`` bytes it is a large one."""
    return JobName.SCAN_LARGE_UPLOAD if size > large else JobName.SCAN_UPLOAD
