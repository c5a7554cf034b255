"""Numbers of bytes as people write them: 500 MB, 1.5 TB; powers of 1,000."""

import re
from decimal import Decimal
from typing import Final

from app.domain.errors import InvalidInputError

MAX_BYTES: Final = 10**18

_UNITS: Final = {"": 1, "b": 1, "kb": 10**3, "mb": 10**6, "gb": 10**9, "tb": 10**12, "pb": 10**15}
_SIZE = re.compile(r"(\d{1,19}(?:\.\d{1,15})?)\s*([kmgtp]?b|)", re.ASCII)


def parse_size(text: str) -> int:
    """Return "200 GB" as 200,000,000,000. Raises InvalidInputError: it is no size, or too much."""
    match = _SIZE.fullmatch(text.strip().replace(",", "").lower())
    size = Decimal(match[1]) * _UNITS[match[2]] if match else None
    if size is None or size > MAX_BYTES or size != int(size):
        raise InvalidInputError("Write a size like 500 MB, 200 GB or 1.5 TB.")
    return int(size)


def exact_size(size: int) -> str:
    """Return what `parse_size` takes back without loss: 200,000,000,000 as "200 GB", 1,001 as "1001"."""
    for unit, bytes_ in reversed(_UNITS.items()):
        if bytes_ > 1 and size and size % bytes_ == 0:
            return f"{size // bytes_} {unit.upper()}"
    return str(size)
