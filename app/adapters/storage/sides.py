"""Files beside a sealed object: ``<object>.members`` and the like, replaced as a whole."""

import os
import re
from pathlib import Path
from shutil import copyfileobj
from tempfile import NamedTemporaryFile
from typing import BinaryIO, get_args

from app.adapters.storage.appending import sync_directory
from app.domain.errors import NotFoundError
from app.ports import Side

_COPY = 1024**2  # bytes at a time
_NEW = "new"
# The second ending is that of one that is being written, or was when the process died.
_SIDE = re.compile(rf"([A-Za-z0-9-]+)\.({'|'.join(get_args(Side))})(\.\w+\.{_NEW})?", re.ASCII)


def path_of(sealed: Path, side: Side) -> Path:
    """Return where that side of an object lies. Raises NotFoundError."""
    if side not in get_args(Side):
        raise NotFoundError("Bad name of what lies beside an object.", side=side)
    return sealed.with_name(f"{sealed.name}.{side}")


def object_of(path: Path) -> Path:
    """Return the object beside which the path lies, or the path itself if it is no side."""
    match = _SIDE.fullmatch(path.name)
    return path.with_name(match[1]) if match else path


def put(sealed: Path, side: Side, content: BinaryIO) -> None:
    """Write a side and put it in its place. Raises NotFoundError, OSError."""
    path = path_of(sealed, side)
    if not sealed.exists():
        raise NotFoundError("There is no such object.", path=str(sealed))
    with NamedTemporaryFile(dir=path.parent, prefix=f"{path.name}.", suffix=f".{_NEW}", delete=False) as file:
        new = Path(file.name)
        try:
            copyfileobj(content, file, _COPY)
            file.flush()
            os.fsync(file.fileno())
            new.rename(path)
        except FileNotFoundError as error:  # swept away, as the object was
            raise NotFoundError("There is no such object.", path=str(sealed)) from error
        except BaseException:
            new.unlink(missing_ok=True)
            raise
    sync_directory(path.parent)
    if not sealed.exists():  # deleted meanwhile, and its sides perhaps before this one came
        delete(sealed)
        raise NotFoundError("There is no such object.", path=str(sealed))


def delete(sealed: Path, *, crumbs: bool = False) -> None:
    """Remove all sides of an object, which is gone already. Raises OSError.

    With ``crumbs`` what dying processes left unfinished goes too; that reads the whole directory.
    """
    for side in get_args(Side):
        path_of(sealed, side).unlink(missing_ok=True)
    for path in sealed.parent.glob(f"{sealed.name}.*") if crumbs else ():
        if object_of(path) == sealed:
            path.unlink(missing_ok=True)
