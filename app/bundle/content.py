"""Is this a .tgz? Judged by its first bytes, never by its name."""

from isal import isal_zlib

from app.bundle.gunzip import GZIP_WINDOW, CorruptError, header_is_whole
from app.bundle.header import BLOCK, is_header

HEAD = 64 * 1024  # bytes that always suffice to say
GZIP = b"\x1f\x8b"
_HOW = "Pack it as .tgz: tar czf bundle.tgz folder/"

_KINDS = (  # (what it begins with, what people call it)
    (b"PK\x03\x04", "a zip archive"),
    (b"PK\x05\x06", "an empty zip archive"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
    (b"Rar!\x1a\x07", "a rar archive"),
    (b"BZh", "packed with bzip2, not with gzip"),
    (b"\xfd7zXZ\x00", "packed with xz, not with gzip"),
    (b"\x28\xb5\x2f\xfd", "packed with zstd, not with gzip"),
    (b"\x04\x22\x4d\x18", "packed with lz4, not with gzip"),
    (b"\x1f\x9d", "packed with compress, not with gzip"),
    (b"%PDF", "a PDF document"),
    (b"MSCF", "a cab archive"),
    (b"!<arch>\n", "an ar archive"),
    (b"0707", "a cpio archive"),
    (b"\xed\xab\xee\xdb", "an rpm package"),
    (b"xar!", "a xar archive"),
    (b"\xd0\xcf\x11\xe0", "an office document"),
    (b"hsqs", "a disk image"),
    (b"QFI\xfb", "a disk image"),
    (b"KDMV", "a disk image"),
)
_LATER = (  # (where it says so, what it says, what people call it)
    (510, b"\x55\xaa", "a disk image"),
    (512, b"EFI PART", "a disk image"),
    (32_769, b"CD001", "a disc image"),
)


def problem_of(head: bytes, *, more: bool = False) -> str | None:
    """Say in a sentence for people why ``head`` cannot begin a .tgz, and what to do; None if it can.

    A .tgz is gzip (RFC 1952) whose content begins with a tar header of right checksum.
    ``head`` is the file's first bytes, of which up to HEAD are looked at. With ``more``, as
    while receiving, further bytes may follow it: None then also means "too early to say".
    Ask again without ``more`` once HEAD bytes, or all there are, have arrived.
    """
    head = head[:HEAD]
    more = more and len(head) < HEAD
    if not head:
        return None if more else f"This file is empty. {_HOW}"
    if head[:2] != GZIP[: len(head)]:
        return _not_gzip(head, more=more)
    try:
        whole = header_is_whole(head)
        block = isal_zlib.decompressobj(GZIP_WINDOW).decompress(head, BLOCK)
    except (ValueError, CorruptError):
        return "This gzip file is damaged at its beginning. Please create it again and send it once more."
    if whole and len(block) == BLOCK:
        return _not_tar(block)
    if more:
        return None
    return f"This gzip file is too short to hold a tar archive, or was cut off. {_HOW}"


def kind_of(head: bytes) -> str | None:
    """Return what a file that begins so is called ("a zip archive"), if it holds other files or is packed.

    ``head`` of HEAD bytes always suffices.
    """
    if head.startswith(GZIP):
        return "packed with gzip"
    if is_header(head[:BLOCK]):
        return "a tar archive"
    kinds = [kind for magic, kind in _KINDS if head.startswith(magic)]
    kinds += [kind for place, magic, kind in _LATER if head.startswith(magic, place)]
    return kinds[0] if kinds else None


def _not_gzip(head: bytes, *, more: bool) -> str | None:
    kind = kind_of(head)
    if kind == "a tar archive":
        return "This is a tar archive without compression. Compress it: gzip -S .tgz bundle.tar"
    if kind:
        return f"This is {kind}. {_HOW}"
    # A tar or a longer magic may still turn up, and a better sentence helps.
    if more and len(head) < BLOCK:
        return None
    return f"This is not a .tgz archive. {_HOW}"


def _not_tar(block: bytes) -> str | None:
    if is_header(block):
        return None
    if not any(block):
        return f"This archive is empty: no file is in it. {_HOW}"
    kind = kind_of(block)
    if kind == "packed with gzip":
        return f"This file is compressed twice. {_HOW}"
    if kind:
        return f"This is {kind} inside gzip. {_HOW}"
    return f"This is one file compressed with gzip, not a tar archive. {_HOW}"
