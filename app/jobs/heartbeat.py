"""A sign of life for whoever watches the container: docker/healthcheck.py reads it."""

from contextlib import suppress

from app.settings import NOWHERE, Settings


def beat(settings: Settings, role: str) -> None:
    """Touch the file of ``role``, where a directory for that is set; one that cannot be touched grows old."""
    if settings.heartbeats != NOWHERE:
        with suppress(OSError):
            (settings.heartbeats / f"{role}.heartbeat").touch()
