"""Bundles of any size that the product takes for what they are, made in no time."""

import gzip
import io
import os
import struct
import tarfile

_BLOCK = 2**16 - 5  # content bytes of a stored deflate block that is 64 KiB long with its header


def _stored(content: bytes) -> bytes:
    """Return ``content`` as a deflate block that is not the last (RFC 1951 section 3.2.4)."""
    return struct.pack("<BHH", 0, len(content), len(content) ^ 0xFFFF) + content


def beginning(size: int) -> bytes:
    """Return the first bytes of a .tgz whose one member has ``size`` bytes."""
    member = tarfile.TarInfo("bench/random.bin")
    member.size = size
    return b"\x1f\x8b\x08\0\0\0\0\0\0\xff" + _stored(member.tobuf())


#: 1 MiB of the deflate stream that may follow it any number of times: incompressible, stored.
PIECE = b"".join(_stored(os.urandom(_BLOCK)) for _ in range(16))


def bundle(size: int) -> bytes:
    """Return a whole .tgz of about ``size`` bytes: text that compresses and data that does not."""
    packed = io.BytesIO()
    with gzip.open(packed, "wb", compresslevel=1) as stream, tarfile.open(fileobj=stream, mode="w") as tar:
        while packed.tell() < size:
            content = os.urandom(32 * 1024) + b"Nov 21 02:10:01 web-01 app[812]: request took 12 ms\n" * 1000
            member = tarfile.TarInfo(f"sosreport/var/log/messages-{packed.tell()}")
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return packed.getvalue()
