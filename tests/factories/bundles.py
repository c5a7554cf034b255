"""Bundles in memory."""

import gzip
import io
import tarfile
from collections.abc import Mapping


def make_tar(files: Mapping[str, bytes], format_: int = tarfile.PAX_FORMAT) -> bytes:
    """Return a tar of regular files; ``format_`` is one of tarfile's."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=format_) as tar:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


def make_tgz(files: Mapping[str, bytes], format_: int = tarfile.PAX_FORMAT) -> bytes:
    """Return the same tar compressed; equal files give equal bytes."""
    return gzip.compress(make_tar(files, format_), mtime=0)


def repack(bundle: bytes, replacements: Mapping[str, bytes]) -> bytes:
    """Return a .tgz with the content of some members replaced, all else as it was."""
    buffer = io.BytesIO()
    with (
        tarfile.open(fileobj=io.BytesIO(bundle), mode="r:gz") as source,
        tarfile.open(fileobj=buffer, mode="w:gz", compresslevel=1) as target,
    ):
        for info in source:
            content = source.extractfile(info).read() if info.isreg() else b""  # type: ignore[union-attr]
            content = replacements.get(info.name, content)
            info.size = len(content)
            target.addfile(info, io.BytesIO(content))
    return buffer.getvalue()
