"""Looking into what RQ keeps in Redis, without believing it: others may be able to write there.

Nothing is unpacked beyond what is shown, nothing is imported, and every command is one that the portal's
Redis user may call (no KEYS, no scripts).
"""

import json
import zlib
from base64 import b64decode
from binascii import Error as Base64Error
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, Final

import redis
from rq import Queue, worker_registration
from rq.job import Job
from rq.registry import FailedJobRegistry

from app.domain.jobs import JobName, QueueName
from app.ports.queue import FailedJob, QueueState, WorkerState

_SHOWN: Final = 20  # failed jobs of one queue
_TRACEBACK: Final = 6000  # characters, the last ones
_UNPACKED: Final = 256 * 1024  # bytes of anything that is packed
_SHORT: Final = 100  # characters of a name or an argument


def queue_state(at: "redis.Redis", name: QueueName) -> QueueState:
    """Return how things stand in one queue. Raises redis.RedisError."""
    key = Queue(name, connection=at).key
    first: Any = at.lindex(key, 0)
    oldest = None
    if first is not None:
        fields: Any = at.hmget(Job.key_for(_text(first)), "enqueued_at", "created_at")
        if rung := _moment(fields[0]) or _moment(fields[1]):
            oldest = max(0.0, (datetime.now(UTC) - rung).total_seconds())
    registry = _registry(at, name)
    newest = registry.get_job_ids(0, _SHOWN - 1, desc=True)
    depth: Any = at.llen(key)
    return QueueState(
        depth, oldest, registry.get_job_count(cleanup=False), [_failed(at, name, each) for each in newest]
    )


def find_failed(at: "redis.Redis", job_id: str) -> FailedJob | None:
    """Return a job that failed, in whichever queue. Raises redis.RedisError."""
    for name in QueueName:
        if at.zscore(_registry(at, name).key, job_id) is not None:
            return _failed(at, name, job_id)
    return None


def forget_failed(at: "redis.Redis", job_id: str) -> None:
    """Remove it from wherever it failed. Raises redis.RedisError."""
    found = find_failed(at, job_id)
    if found is None:
        return
    pipeline = at.pipeline()
    pipeline.zrem(_registry(at, found.queue).key, job_id)
    pipeline.delete(Job.key_for(job_id), _results_key(job_id))
    pipeline.execute()


def crew(at: "redis.Redis", name: QueueName) -> list[WorkerState]:
    """Return the workers of one queue whose hearts beat. Raises redis.RedisError."""
    found = []
    for key in sorted(worker_registration.get_keys(queue=Queue(name, connection=at))):
        fields: Any = at.hmget(key, "state", "current_job", "birth")
        if not any(fields):
            continue  # it died: only its key ends by itself
        state, job_id, birth = fields
        doing = _call(at, _text(job_id))[0] if job_id else None
        found.append(
            WorkerState(
                _text(key).removeprefix("rq:worker:")[:_SHORT],
                name,
                _text(state)[:_SHORT] or "unknown",
                doing,
                _moment(birth),
            )
        )
    return found


def _results_key(job_id: str) -> str:
    return f"rq:results:{job_id}"


def _registry(at: "redis.Redis", name: QueueName) -> FailedJobRegistry:
    return FailedJobRegistry(name, connection=at)


def _failed(at: "redis.Redis", name: QueueName, job_id: str) -> FailedJob:
    function, argument = _call(at, job_id)
    job = JobName(function) if function in set(JobName) else None
    newest: Any = at.xrevrange(_results_key(job_id), "+", "-", count=1)
    traceback, failed_at = "", None
    if newest:
        entry, fields = newest[0]
        with suppress(ValueError, OverflowError):
            failed_at = datetime.fromtimestamp(int(_text(entry).partition("-")[0]) / 1000, UTC)
        with suppress(Base64Error, ValueError):
            traceback = _unpacked(b64decode(fields.get(b"exc_string", b""))).decode(errors="replace")
    if len(traceback) > _TRACEBACK:
        traceback = "…" + traceback[-_TRACEBACK:]
    return FailedJob(job_id, name, job, argument, failed_at, traceback or "No traceback was kept.")


def _call(at: "redis.Redis", job_id: str) -> tuple[str | None, str | None]:
    """Return function and argument as the job has them, cut; None where they cannot be read."""
    packed: Any = at.hget(Job.key_for(job_id), "data")
    with suppress(ValueError, TypeError):
        function, _, arguments, _ = json.loads(_unpacked(packed or b""))
        argument = str(arguments[0])[:_SHORT] if isinstance(arguments, list) and arguments else None
        return str(function)[:_SHORT], argument
    return None, None


def _unpacked(data: bytes) -> bytes:
    """Return what a zlib stream begins with; the bytes themselves if they are none."""
    try:
        return zlib.decompressobj().decompress(data, _UNPACKED)
    except zlib.error:
        return data[:_UNPACKED]


def _moment(value: bytes | None) -> datetime | None:
    with suppress(ValueError):
        moment = datetime.fromisoformat(_text(value))
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return None


def _text(value: bytes | str | None) -> str:
    return value.decode(errors="replace") if isinstance(value, bytes) else value or ""
