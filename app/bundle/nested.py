"""An archive within the archive, as a stream: gzip of one file, tar, or a tar in gzip."""

import zlib
from collections.abc import Iterable, Iterator
from itertools import chain

from app.bundle.budget import Meter
from app.bundle.content import GZIP
from app.bundle.entries import entries
from app.bundle.errors import BundleError, MalformedBundleError
from app.bundle.gunzip import GZIP_WINDOW, HEADER_CRC, READ, RESERVED, Gunzip
from app.bundle.header import BLOCK, is_header
from app.bundle.tar import Member

HEAD = 128 * 1024  # bytes; more than the longest header of gzip without a comment
_DEFLATED = GZIP + b"\x08"
# Programs, documents, pictures and containers, as far as their first bytes could be a name.
_MAGIC = (
    *(b"MZ", b"\x7fELF", b"\xca\xfe\xba\xbe", b"#!", b"%PDF", b"\xd0\xcf\x11\xe0", b"{\\rtf", b"ITSF"),
    *(b"GIF8", b"\x89PNG", b"\xff\xd8\xff", b"FWS", b"CWS", b"ZWS", b"PK\x03\x04", b"MSCF", b"Rar!"),
    *(b"7z\xbc\xaf", b"\xfd7zXZ", b"BZh", b"xar!", b"!<arch>", b"0707"),
)
WITHIN = "!/"  # between an archive's name and that of what lies in it


def opens(head: bytes) -> bool:
    """Tell whether what begins with ``head``, of which HEAD bytes suffice, is for `NestedStream`."""
    if not head.startswith(_DEFLATED):
        return _like_tar(head)
    flags = int.from_bytes(head[3:4])
    if flags & RESERVED:  # no reader goes on
        return False
    try:
        # zlib, which stops here, and not isal, which looks far ahead and complains of what is there.
        zlib.decompressobj(GZIP_WINDOW).decompress(head[:HEAD], 1)
    except zlib.error:
        return bool(flags & HEADER_CRC)  # which some readers do not check
    return True


def _like_tar(head: bytes) -> bool:
    """Tell whether it begins with a tar header, or with what was one: some readers go on behind it."""
    return is_header(head[:BLOCK]) or head[257:262] == b"ustar"


def _refuse_odd(head: bytes, offset: int) -> None:
    """Refuse a tar that is a program or a document as well: nobody would have scanned it as such.

    Raises:
        MalformedBundleError: its first name begins like a file of another kind, or hides bytes.
    """
    name, _, behind = head[:100].partition(b"\0")
    if name.startswith(_MAGIC) or behind.strip(b"\0"):
        raise MalformedBundleError(offset, "it begins like something that is no archive")


class NestedStream:
    """Iterate over it once, for the members in their order: those of the tar, or a gzip's one file.

    Expanded bytes and members count in the meter of the bundle; nothing more may be unfolded for
    what was itself unfolded.

    Raises, while iterating: as `app.bundle.stream.BundleStream`, offsets being within this
    archive. What the reading of ``rest`` raises passes through.
    """

    def __init__(self, name: str, head: bytes, rest: Iterable[bytes], meter: Meter) -> None:
        """``name`` is the archive's, for display; it begins with ``head``, which `opens` likes."""
        self._name = name
        self._head = head
        self._meter = meter
        self._source = _Source(chain((head,), rest))

    @property
    def failed_outside(self) -> bool:
        """Whether it was the reading of ``rest`` that failed, and not this archive."""
        return self._source.failed

    def __iter__(self) -> Iterator[Member]:
        if not self._head.startswith(_DEFLATED):
            _refuse_odd(self._head, 0)
            yield from entries(self._source, self._source, self._meter)
            return
        gunzip = Gunzip(self._source, self._meter, nested=True)
        chunks = iter(gunzip)
        head = upto(chunks, BLOCK)
        if _like_tar(head):
            _refuse_odd(head, gunzip.offset)
            yield from entries(chain((head,), chunks), gunzip, self._meter)
            return
        self._meter.member()
        content = chain((head,), chunks) if head else iter(())
        modified = int.from_bytes(self._head[4:8], "little")  # RFC 1952 MTIME
        yield Member(_inner_name(self._name), None, content, modified=modified)
        for _ in content:  # what the caller left unread
            pass


class _Source:
    """Chunks as a file to read from, and as chunks of modest size."""

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self._chunks = iter(chunks)
        self._held = memoryview(b"")
        self.offset = 0  # bytes read so far
        self.failed = False

    def read(self, size: int) -> bytes:
        """Return between 1 and ``size`` bytes, or b"" at the end."""
        if not self._held:
            try:
                self._held = memoryview(next(self._chunks, b""))
            except BundleError:
                self.failed = True
                raise
        data = bytes(self._held[:size])
        self._held = self._held[size:]
        self.offset += len(data)
        return data

    def __iter__(self) -> Iterator[bytes]:
        while chunk := self.read(READ):
            yield chunk


def upto(chunks: Iterator[bytes], size: int) -> bytes:
    """Return the chunks until they are ``size`` bytes or more, or fewer at the end."""
    parts: list[bytes] = []
    held = 0
    while held < size and (chunk := next(chunks, b"")):
        parts.append(chunk)
        held += len(chunk)
    return b"".join(parts)


def _inner_name(name: str) -> str:
    """Return what gunzip would call the content of a file of that name."""
    name = name.rstrip("/").rpartition("/")[2]
    stem, dot, suffix = name.rpartition(".")
    return stem if dot and stem and suffix.lower() in {"gz", "z", "gzip"} else name
