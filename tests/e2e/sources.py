"""The bundles that travel: real ones where they are, and one made here everywhere."""

import gzip
import hashlib
import random
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.factories.bundles import make_tar, make_tgz
from tests.live import BUNDLES

GENERATED = "generated.tgz"


def noisy_tgz(size: int, seed: int = 1) -> bytes:
    """Return a bundle of about ``size`` bytes that does not compress, the same for the same seed."""
    noise = random.Random(seed)
    piece = 1024**2
    return make_tgz(
        {
            f"bundle/var/log/noise-{start // piece}.bin": noise.randbytes(min(piece, size - start))
            for start in range(0, size, piece)
        }
    )


def large_tgz(size: int, seed: int = 1) -> bytes:
    """Return the same without trying to compress it, which takes no time."""
    return gzip.compress(
        make_tar({"bundle/var/log/noise.bin": random.Random(seed).randbytes(size)}), 0, mtime=0
    )


def names() -> list[str]:
    """Name the bundles: all in the shared folder, if it is there, and the generated one."""
    return [*sorted(path.name for path in BUNDLES.glob("*gz")), GENERATED]


def content_of(name: str) -> bytes:
    if name == GENERATED:
        return make_tgz({"etc/hostname": b"web-01\n", "var/log/messages": b"all is well\n" * 5000})
    return (BUNDLES / name).read_bytes()


def real_bundle(largest: int = 10**9) -> bytes:
    """Return the largest real bundle of at most ``largest`` bytes, or the generated one."""
    fitting = [path.read_bytes() for path in BUNDLES.glob("*gz") if path.stat().st_size <= largest]
    return max(fitting, key=len, default=content_of(GENERATED))


@dataclass(frozen=True)
class Parcel:
    """A bundle on somebody's disk, under a name that no other test uses."""

    path: Path
    sha256: str

    @property
    def name(self) -> str:
        return self.path.name

    @property
    def size(self) -> int:
        return self.path.stat().st_size


Pack = Callable[[bytes, str], Parcel]


def pack(directory: Path, content: bytes, name: str) -> Parcel:
    path = directory / name
    path.write_bytes(content)
    return Parcel(path, hashlib.sha256(content).hexdigest())


every_bundle = pytest.mark.parametrize("bundle", names())
