"""What lies where in the bucket.

incoming/<key>            received whole: by the portal, or straight from its sender
incoming/<key>.<offset>   not whole yet: what is there up to that byte (`appending`)
files/<key>               the write-once area: moved here by a worker, read by everybody
files/<key>.<side>        what is kept beside it
"""

import re
from typing import Final

from app.domain.errors import NotFoundError

INCOMING: Final = "incoming"
FILES: Final = "files"

# Without dots, so that what lies beside an object cannot be taken for another object.
_KEY = re.compile(r"[A-Za-z0-9-]{1,64}/[A-Za-z0-9-]{1,64}", re.ASCII)


def name_of(area: str, key: str, suffix: str | int | None = None) -> str:
    """Return the name of an object, or of what lies beside it. Raises NotFoundError: no key of ours."""
    if not _KEY.fullmatch(key):
        raise NotFoundError("Bad storage key.", key=key)
    return f"{area}/{key}" if suffix is None else f"{area}/{key}.{suffix}"


def key_of(name: str) -> str | None:
    """Return the key that a name belongs to; None if it is none of ours."""
    key = name.partition("/")[2].partition(".")[0]
    return key if _KEY.fullmatch(key) else None
