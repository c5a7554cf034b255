"""The jobs there are. A queue carries only these names and the id of a row."""

from enum import StrEnum
from typing import Final


class QueueName(StrEnum):
    """One worker process serves one queue (RQ loses jobs when it waits on several)."""

    SCAN = "scan"
    DELIVER = "deliver"


class JobName(StrEnum):
    SCAN_UPLOAD = "scan_upload"
    DELIVER = "deliver"


QUEUE_OF: Final[dict[JobName, QueueName]] = {
    JobName.SCAN_UPLOAD: QueueName.SCAN,
    JobName.DELIVER: QueueName.DELIVER,
}
