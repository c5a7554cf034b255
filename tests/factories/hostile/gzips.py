"""gzip members where one reader looks and another does not (T20)."""

from collections.abc import Iterator

from app.domain.verdict import Obstacle
from tests.factories.hostile.case import BAD, EICAR, GOOD, Case, clean, infected, never_clean, of, unscannable
from tests.factories.hostile.raw import END, gz, tar, tgz

D, M = Obstacle.DAMAGED, Obstacle.MALFORMED
TRAILING = "(data after the end of the archive)"
_PLAIN = tar(GOOD)
_WHOLE = gz(_PLAIN)
_BAD = tar(GOOD, BAD)


def _together() -> Iterator[Case]:
    """Several gzip members, which every reader takes for one stream."""
    yield infected("a second archive in a second gzip member", of(_WHOLE + tgz(BAD)), "bad")
    yield infected("the same behind an empty gzip member", of(_WHOLE + gz(b"") + tgz(BAD)), "bad")
    yield infected("the same behind 300 empty gzip members", of(_WHOLE + gz(b"") * 300 + tgz(BAD)), "bad")
    yield infected("the bare file in a second gzip member", of(_WHOLE + gz(EICAR)), TRAILING)
    yield infected("a second archive in the same gzip member", of(gz(_PLAIN + tar(BAD))), "bad")
    yield infected(
        "a second archive behind 20 blocks of zeros", of(gz(_PLAIN + bytes(10_240) + tar(BAD))), "bad"
    )
    yield infected("an entry behind a lone block of zeros", of(gz(GOOD + bytes(512) + BAD + END)), "bad")
    yield infected("the bare file behind the end", of(gz(_PLAIN + EICAR)), TRAILING)
    yield infected(
        "the file padded to a block behind the end", of(gz(_PLAIN + EICAR.ljust(512, b"\0"))), TRAILING
    )
    yield unscannable("the file behind the end, off the blocks", of(gz(_PLAIN + bytes(100) + EICAR)), M)
    yield infected(
        "one byte in each gzip member", of(b"".join(gz(_BAD[n : n + 1]) for n in range(len(_BAD)))), "bad"
    )
    for place, cut in {
        "in a header": 100,
        "behind a header": 512,
        "in a file": 515,
        "in a file's padding": 700,
        "between entries": 1024,
        "in the infected file": 1550,
        "between infected and end": 2048,
        "in the end": 2500,
    }.items():
        yield infected(f"one tar cut {place} in two gzip members", of(gz(_BAD[:cut]) + gz(_BAD[cut:])), "bad")
    yield infected("stored, not deflated", of(gz(_BAD, level=0)), "bad")


def _behind() -> Iterator[Case]:
    """Bytes behind the last gzip member: gzip ignores them, other readers begin at the end."""
    for name, tail in {
        "the bare file": EICAR,
        "zeros": bytes(512),
        "zeros and a second archive": bytes(512) + tgz(BAD),
        "one zero and a second archive": b"\0" + tgz(BAD),
        "a tar": tar(BAD),
        "half a gzip magic": b"\x1f",
        "half a gzip header": b"\x1f\x8b\x08\0",
        "another method of compression": b"\x1f\x8b\x07" + gz(EICAR)[3:],
        "an old compress (.Z) magic": b"\x1f\x9d\x90" + EICAR,
        "a line end": b"\n",
    }.items():
        yield unscannable(f"{name} behind the gzip", of(_WHOLE + tail), D, M)


def _header() -> Iterator[Case]:
    """What fits into a gzip header (RFC 1952, 2.3) and is no part of the content."""
    yield clean("a name in the gzip header", of(gz(_PLAIN, name=b"bundle.tar")))
    yield clean("a checksum of the gzip header", of(gz(_PLAIN, header_crc=True)))
    wrong = bytearray(gz(_PLAIN, header_crc=True))
    wrong[10] ^= 1
    yield unscannable("a wrong checksum of the gzip header", of(bytes(wrong)), D, M)
    yield unscannable("EICAR in the extra field", of(gz(_PLAIN, extra=EICAR)), M)
    yield unscannable("an archive in the extra field", of(gz(_PLAIN, extra=tgz(BAD))), M)
    yield unscannable("64 kB of extra field", of(gz(_PLAIN, extra=bytes(65_535))), M)
    yield never_clean("EICAR in the comment", of(gz(_PLAIN, comment=EICAR)), M)
    yield clean("a gzip name that reads as EICAR", of(gz(_PLAIN, name=EICAR)))
    yield never_clean("EICAR in the comment of a second member", of(_WHOLE + gz(b"", comment=EICAR)), M)
    yield unscannable("a comment of 100 kB", of(gz(_PLAIN, comment=b"c" * 100_000)), M)
    yield unscannable("a name without an end", of(gz(b"", name=b"n" * 100_000)[:100_000]), D, M)
    for bit in (5, 6, 7):
        yield unscannable(f"reserved flag {bit}", of(gz(_PLAIN, flags=1 << bit)), M)


def _trailer() -> Iterator[Case]:
    """Checks at the end of a gzip member. Readers complain too late: the files are on disk by then."""
    yield unscannable("a wrong CRC", of(gz(_PLAIN, crc=1)), D)
    yield unscannable("a wrong length", of(gz(_PLAIN, length=1)), D)
    yield never_clean("a wrong CRC behind EICAR", of(gz(_BAD, crc=1)), D)
    yield never_clean("a wrong length behind EICAR", of(gz(_BAD, length=0)), D)
    yield unscannable("a wrong CRC between two gzip members", of(gz(_PLAIN, crc=1) + tgz(BAD)), D)
    yield unscannable("gzip of nothing", of(gz(b"")), D, M)
    yield unscannable("an archive of nothing", of(gz(END)), D, M)
    yield unscannable("nothing at all", of(b""), D, M)


CASES = (*_together(), *_behind(), *_header(), *_trailer())
