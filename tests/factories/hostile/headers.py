"""Tar headers that two readers read differently, and names nobody should meet (T21)."""

from collections.abc import Iterator

from app.domain.verdict import Obstacle
from tests.factories.hostile.case import BAD, EICAR, GOOD, Case, clean, infected, never_clean, of, unscannable
from tests.factories.hostile.raw import END, checksum, entry, gz, header, tar, tgz

D, M = Obstacle.DAMAGED, Obstacle.MALFORMED
_SIZE = len(EICAR)
_OLD = b"\0" * 8  # no magic at all: tar of the seventies


def _types() -> Iterator[Case]:
    """Entries that can have no content and claim some: readers skip it, or begin a header there."""
    for name, type_ in {
        "hard link": b"1",
        "symbolic link": b"2",
        "character device": b"3",
        "block device": b"4",
        "directory": b"5",
        "fifo": b"6",
        "volume label": b"V",
        "continued file of another volume": b"M",
        "entry of an unknown type": b"Q",
        "old GNU list of names": b"N",
        "Solaris attribute": b"X",
        "type of a space": b" ",
    }.items():
        with_content = tgz(entry(b"a", EICAR, type=type_, linkname=b"good"), GOOD)
        yield never_clean(f"a {name} that claims EICAR", of(with_content), M)
        hidden = tgz(header(b"a", 1024, type=type_, linkname=b"good"), BAD, GOOD)
        yield never_clean(f"a {name} that claims an entry", of(hidden), M)
    for name, type_ in {
        "a hard link": b"1",
        "a symbolic link": b"2",
        "a character device": b"3",
        "a block device": b"4",
        "a directory": b"5",
        "a fifo": b"6",
    }.items():
        target = entry(b"a", type=type_, linkname=b"../../../../etc/passwd", devmajor=b"0000010\0")
        yield clean(f"{name} and nothing else wrong", of(tgz(target, GOOD)))
        yield infected(f"{name} and EICAR under the same name", of(tgz(target, entry(b"a", EICAR))), "a")
    yield infected("a contiguous file", of(tgz(entry(b"a", EICAR, type=b"7"))), "a")
    yield infected("an old file without a type", of(tgz(entry(b"a", EICAR, type=b"\0", magic=_OLD))), "a")
    yield infected("a GNU list of a directory", of(tgz(entry(b"a", EICAR, type=b"D"))), "a")
    yield never_clean(
        "an old file named as a directory", of(tgz(entry(b"a/", EICAR, type=b"\0", magic=_OLD))), M
    )
    yield never_clean("a file named as a directory", of(tgz(entry(b"a/", EICAR))), M)
    yield clean("an empty file named as a directory", of(tgz(entry(b"a/"), GOOD)))


def _names() -> Iterator[Case]:
    for name, raw in {
        "an absolute path": b"/etc/cron.d/bad",
        "a path upwards": b"../../../../tmp/diagport-escaped",
        "a path upwards in the middle": b"a/../../b",
        "a Windows path": b"C:\\Windows\\bad.com",
        "control characters": b"a\x1b[31m\r\n\x07b",
        "bytes that are not UTF-8": b"\xff\xfe\x80name",
        "a turned writing direction": "a\u202egpj.exe".encode(),
        "only dots": b"..",
        "a name of 100 bytes": b"n" * 100,
        "markup": b"<script>alert(1)</script>{{7*7}}",
    }.items():
        yield Case(name, of(tgz(entry(raw, EICAR))), infected("", bytes).verdicts)
        yield clean(f"{name}, harmless", of(tgz(entry(raw, b"fine"))))
    yield infected("no name at all", of(tgz(entry(b"", EICAR))), "")
    yield infected("a NUL within a name", of(tgz(entry(b"a\0b", EICAR))), "a")
    yield infected("a name in two parts", of(tgz(entry(b"b", EICAR, prefix=b"dir"))), "dir/b")
    yield infected("a setuid file", of(tgz(entry(b"a", EICAR, mode=b"0006755\0"))), "a")
    yield clean("a setuid file, harmless", of(tgz(entry(b"a", b"fine", mode=b"0006755\0"))))
    yield infected("a name twice, EICAR first", of(tgz(entry(b"a", EICAR), entry(b"a", b"fine"))), "a")
    yield infected("a name twice, EICAR last", of(tgz(entry(b"a", b"fine"), entry(b"a", EICAR))), "a")
    both = tgz(entry(b"a", EICAR), entry(b"A", EICAR), entry(b"./a", EICAR))
    yield infected("one name for some file systems", of(both), "./a", "A", "a")
    yield infected(
        "a file, then the same as a directory", of(tgz(entry(b"a", EICAR), entry(b"a", type=b"5"))), "a"
    )


def _sizes() -> Iterator[Case]:
    """The bundle holds EICAR to whoever reads the size as it is meant to be read."""
    octal = b"%011o" % _SIZE
    for name, field in {
        "without an end": b"%012o" % _SIZE,
        "padded with spaces": (b"%o" % _SIZE).rjust(11) + b" ",
        "ended by a space": octal + b" ",
        "short": b"%o\0" % _SIZE,
        "in base 256": b"\x80" + _SIZE.to_bytes(11, "big"),
    }.items():
        yield infected(f"a size {name}", of(tgz(_sized(field))), "bad")
    for name, field in {
        "negative in base 256": b"\xff" * 11 + b"\x44",
        "of 2**63 in base 256": b"\x80" + (2**63).to_bytes(11, "big"),
        "of 2**95 in base 256": b"\xbf" + b"\xff" * 11,
        "with a sign": b"+0000000104\0",
        "with a minus": b"-0000000104\0",
        "with an underscore": b"0000000_104\0",
        "with a prefix": b"0o000000104\0",
        "with a NUL before it": b"\x000000000104\0",
        "with a NUL within it": b"000000\x0000104",
        "with a tab before it": b"\t0000000104\0",
        "in decimal": b"00000000068\0",
        "in old GNU base 64": b"+BE".ljust(12, b"\0"),
        "with bytes behind its end": b"104\0999999\0\0",
    }.items():
        yield never_clean(f"a size {name}", of(tgz(_sized(field))), M, D)
    for name, field in {
        "of nothing": b"\0" * 12,
        "of blanks": b" " * 12,
        "one block too small": b"%011o\0" % 0,
        "one block too large": b"%011o\0" % 600,
        "of 8 GiB": b"77777777777\0",
        "of 1 TiB in base 256": b"\x80" + (2**40).to_bytes(11, "big"),
        "of 2**63-1 in base 256": b"\x80" + (2**63 - 1).to_bytes(11, "big"),
    }.items():
        yield never_clean(f"a size {name}", of(tgz(_sized(field))), D, M)


def _sized(field: bytes) -> bytes:
    block = BAD[:124] + field.ljust(12, b"\0") + BAD[136:512]
    return block[:148] + b"%06o\0 " % checksum(block) + block[156:] + BAD[512:]


def _checksums() -> Iterator[Case]:
    signed = header(b"b\xe4d", _SIZE)
    field = b"%06o\0 " % checksum(signed, signed=True)
    padding = bytes(-_SIZE % 512)
    yield infected("a signed checksum", of(tgz(signed[:148] + field + signed[156:] + EICAR + padding)))
    value = checksum(BAD[:512])
    for name, field in {
        "padded with spaces": (b"%o" % value).rjust(7) + b"\0",
        "of eight digits": b"%08o" % value,
        "ended by a NUL alone": b"%o\0" % value,
        "in base 256": b"\x80" + value.to_bytes(7, "big"),
    }.items():
        yield infected(
            f"a checksum {name}", of(tgz(header(b"bad", _SIZE, checksum_field=field) + BAD[512:])), "bad"
        )
    for name, field in {
        "too large by one": b"%06o\0 " % (value + 1),
        "of zero": b"0000000\0",
        "of blanks": b" " * 8,
        "with a sign": b"+%05o\0 " % value,
        "in decimal": b"%06d\0 " % value,
    }.items():
        hidden = header(b"bad", _SIZE, checksum_field=field) + BAD[512:]
        yield never_clean(f"a checksum {name}", of(tgz(GOOD, hidden, GOOD)), D, M)
        yield never_clean(f"a first checksum {name}", of(tgz(hidden, GOOD)), D, M)


def _gaps() -> Iterator[Case]:
    """Bytes between one entry and the next."""
    filled = header(b"a", 1) + (b"x" + EICAR).ljust(512, b"\0")
    yield unscannable("EICAR in the padding of a file", of(gz(filled + END)), M)
    yield unscannable(
        "one byte in the padding of a file", of(gz(header(b"a", 1) + b"x".ljust(511, b"\0") + b"x" + END)), M
    )
    yield unscannable("EICAR in place of a header", of(gz(GOOD + EICAR.ljust(512, b"\0") + END)), D, M)
    yield unscannable(
        "EICAR between two blocks of zeros", of(gz(GOOD + bytes(512) + EICAR.ljust(512, b"\0") + END)), D, M
    )
    yield infected(
        "an entry between two blocks of zeros",
        of(gz(GOOD + bytes(512) + BAD + bytes(512) + tar(GOOD))),
        "bad",
    )
    yield unscannable("one block of zeros for an end", of(gz(GOOD + bytes(512))), D)
    yield unscannable("no end", of(gz(GOOD)), D)


CASES = (*_types(), *_names(), *_sizes(), *_checksums(), *_gaps())
