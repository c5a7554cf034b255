"""The portal on a storage that fails when it is told to: `gunicorn ... tests.faults.broken_io:app`.

A shim in the process around the calls that the storage is made of; no library is needed for it, nor
root. The file that ``BROKEN_IO`` names says what fails, as JSON: {"call", "errno", "after"}. A write or
a read fails that goes beyond ``after`` bytes of its file, a sync when ``after`` of them have gone well.
What was done to descriptors is noted, a line each, in the file beside it that ends in ``.log``.
"""

import io
import json
import os
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from app import create_app
from app.adapters.storage.filesystem import FilesystemStorage

PLAN = Path(os.environ["BROKEN_IO"])
LOG = PLAN.with_suffix(".log")
_went_well: Counter[str] = Counter()
_open, _pwrite, _sendfile = FilesystemStorage.open, os.pwrite, os.sendfile


def _fail_if_told(call: str, position: int | None = None) -> None:
    """Raise what the plan says; ``position`` is where a write or a read would end."""
    try:
        plan: dict[str, Any] = json.loads(PLAN.read_text())
    except FileNotFoundError:
        _went_well.clear()
        return
    if plan["call"] != call:
        return
    if position is None:
        position = _went_well[call]
        _went_well[call] += 1
        if position < plan["after"]:
            return
    elif position <= plan["after"]:
        return
    raise OSError(plan["errno"], os.strerror(plan["errno"]))


def _note(what: str, descriptor: int) -> None:
    with LOG.open("a") as log:
        log.write(f"{what} {descriptor}\n")


def _syncing(name: str) -> Callable[[int], None]:
    real = getattr(os, name)

    def sync(descriptor: int) -> None:
        try:
            _fail_if_told(name)
            real(descriptor)
        except OSError:
            _note("failed", descriptor)
            raise
        _note("synced", descriptor)

    return sync


def _writing(descriptor: int, data: memoryview, offset: int) -> int:
    _fail_if_told("pwrite", offset + len(data))
    return _pwrite(descriptor, data, offset)


def _sending(out: int, descriptor: int, offset: int, count: int) -> int:
    _fail_if_told("read", offset + count)
    return _sendfile(out, descriptor, offset, count)


def _closing(descriptor: int, close: Callable[[int], None] = os.close) -> None:
    _note("closed", descriptor)
    close(descriptor)


class _Reader(io.FileIO):
    def read(self, size: int | None = -1, /) -> bytes:
        _fail_if_told("read", self.tell() + (size or 0))
        return super().read(-1 if size is None else size) or b""

    def readinto(self, buffer: Any, /) -> int:
        _fail_if_told("read", self.tell() + len(buffer))
        return super().readinto(buffer) or 0


def _opening(storage: FilesystemStorage, key: str) -> tuple[Any, str]:
    file, version = _open(storage, key)
    with file:
        return _Reader(os.dup(file.fileno()), "rb"), version


_shims: dict[str, Any] = {"pwrite": _writing, "sendfile": _sending, "close": _closing}
for _name, _shim in (_shims | {name: _syncing(name) for name in ("fsync", "fdatasync")}).items():
    setattr(os, _name, _shim)
FilesystemStorage.open = _opening  # type: ignore[method-assign,assignment]
app = create_app()
