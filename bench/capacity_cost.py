"""What a month costs on AWS: list prices of eu-west-1 in dollars, rounded; taxes and discounts left out."""

from dataclasses import dataclass
from itertools import pairwise
from typing import Final

DAYS: Final = 30.4
HOURS: Final = 730.0

VCPU_HOUR: Final = 0.04048
GB_HOUR: Final = 0.004445
WORKER_TASK_HOUR: Final = 1 * VCPU_HOUR + 6 * GB_HOUR  # 1 vCPU, 6 GiB: clamd and the workers beside it
WEB_TASK_HOUR: Final = 1 * VCPU_HOUR + 4 * GB_HOUR
#: NAT, load balancer, firewall, Redis, scheduler, freshclam, logs, keys, endpoints, backups.
STANDING: Final = 330.0
ACU_HOUR: Final = 0.14  # Aurora Serverless v2; two instances run
S3_GB_MONTH: Final = (
    0.023,
    0.0125,
    0.004,
)  # Standard 30 days, Standard-IA until day 90, Glacier Instant after
S3_TIERS: Final = (30, 90)  # days
S3_PUT: Final = 5e-6  # of one PUT, COPY or POST
S3_TIER_MOVE: Final = 10e-6  # of one object into Standard-IA; double for Glacier Instant
DOWNLOAD_GB: Final = 0.09
REQUESTS: Final = 20.0  # of S3 for one upload: parts, completion, moving, helper files, tags


@dataclass(frozen=True, slots=True)
class Use:
    """What a day takes; ``kept_days`` is how long bundles stay."""

    uploads: int
    bytes_sent: float
    task_hours: float
    web_tasks: int
    acu: float
    kept_days: int = 90
    fetched: float = 0.3  # share of the bytes that somebody downloads once


def monthly(use: Use) -> dict[str, float]:
    """Return dollars a month by what they are for."""
    gigabytes = use.bytes_sent / 1e9
    tiers = (0, *S3_TIERS, max(use.kept_days, S3_TIERS[-1]))
    days = [max(0, min(use.kept_days, end) - begin) for begin, end in pairwise(tiers)]
    stored = sum(gigabytes * count * price for count, price in zip(days, S3_GB_MONTH, strict=True))
    moved = sum(2 ** (i - 1) for i, count in enumerate(days) if i and count) * S3_TIER_MOVE
    return {
        "workers": use.task_hours * DAYS * WORKER_TASK_HOUR,
        "web": use.web_tasks * HOURS * WEB_TASK_HOUR,
        "database": 2 * use.acu * HOURS * ACU_HOUR,
        "storage": stored + use.uploads * DAYS * (REQUESTS * S3_PUT + moved),
        "downloads": gigabytes * DAYS * use.fetched * DOWNLOAD_GB,
        "the rest": STANDING,
    }
