"""Zips, which the engine opens by itself, and one that it cannot."""

import io
import random
import zipfile


def zipped(name: str, content: bytes, method: int = zipfile.ZIP_STORED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        archive.writestr(zipfile.ZipInfo(name), content, method)
    return buffer.getvalue()


def locked(seed: int = 0) -> bytes:
    """Return a zip whose entry is flagged as encrypted the traditional way; its bytes are noise."""
    packed = bytearray(zipped("a.txt", random.Random(seed).randbytes(60)))
    central = packed.index(b"PK\1\2")
    packed[6] |= 1
    packed[central + 8] |= 1
    return bytes(packed)
