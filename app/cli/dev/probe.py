"""Would an upload go through? Asked once, just before the stack says that it is ready."""

import json
import os
import tempfile

from app.cli.dev.application import Application
from app.cli.dev.clamav import finds_eicar
from app.cli.dev.services import Services


def obstacle(services: Services, application: Application) -> str | None:
    """Name what stands in the way of an upload; None when nothing does.

    That the workers are registered is known from their own start.
    """
    if not finds_eicar(services.clamd_socket):
        return "clamd does not tell the test virus from harmless bytes"
    try:
        with tempfile.TemporaryFile(dir=application.storage) as file:
            file.write(b"probe")
            os.fsync(file.fileno())
    except OSError as error:
        return f"the storage is not writable: {error.strerror}"
    status, body = application.get("/readyz")
    try:
        ready = json.loads(body)["status"] == "ready"
    except (ValueError, KeyError, TypeError):
        ready = False
    return None if ready else f"/readyz answers {status} {body.decode(errors='replace').strip()[:500]}"
