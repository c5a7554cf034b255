"""Extended headers: pax records, GNU long names, and sparse files (T21)."""

from collections.abc import Iterator

from app.domain.verdict import Obstacle
from tests.factories.hostile.case import (
    BAD,
    EICAR,
    GOOD,
    MIB,
    Case,
    clean,
    infected,
    never_clean,
    of,
    unscannable,
)
from tests.factories.hostile.raw import entry, header, long_name, pax, tgz

D, M, PATH = Obstacle.DAMAGED, Obstacle.MALFORMED, Obstacle.PATH_TOO_LONG
SPARSE = (Obstacle.MALFORMED, Obstacle.NOT_COVERED)
GNU = b"ustar  \0"
_BLOB = entry(b"a", b"A" * 512 + BAD)  # one harmless file, or, to who believes in another size, two


def _values() -> Iterator[Case]:
    """EICAR as the value of a record. Where a reader restores it, as xattrs, it is content."""
    for key in (
        b"comment",
        b"SCHILY.xattr.user.x",
        b"SCHILY.acl.access",
        b"RHT.security.selinux",
        b"VENDOR.note",
        b"mtime",
        b"uname",
        b"charset",
    ):
        yield never_clean(f"EICAR in pax {key.decode()}", of(tgz(pax({key: EICAR}), GOOD)), M)
        yield never_clean(f"EICAR in a global {key.decode()}", of(tgz(pax({key: EICAR}, b"g"), GOOD)), M)
    yield never_clean(
        "EICAR behind 5 kB of pax records", of(tgz(pax({b"comment": b"c" * 5000, b"note": EICAR}), GOOD))
    )
    yield never_clean("EICAR in a pax record without its entry", of(tgz(GOOD, pax({b"comment": EICAR}))), M)
    yield clean(
        "a harmless comment, as git writes it", of(tgz(pax({b"comment": b"0123abcd" * 5}, b"g"), GOOD))
    )
    yield clean(
        "a harmless xattr", of(tgz(pax({b"SCHILY.xattr.security.selinux": b"system_u:object_r\0"}), GOOD))
    )
    yield infected("a path in pax", of(tgz(pax({b"path": b"other"}), BAD)), "other")
    yield infected("a path upwards in pax", of(tgz(pax({b"path": b"../../other"}), BAD)), "../../other")
    yield clean("a path that reads as EICAR", of(tgz(pax({b"path": EICAR}), GOOD)))


def _lies() -> Iterator[Case]:
    """Records that one reader heeds and another does not."""
    for name, value in {
        "smaller": b"512",
        "larger": b"9000",
        "of zero": b"0",
        "negative": b"-512",
        "with a sign": b"+512",
        "with a blank": b" 512",
        "with an underscore": b"5_12",
        "with a fraction": b"512.0",
        "empty": b"",
        "of 2**64": b"18446744073709551616",
        "of 4,000 digits": b"9" * 4000,
    }.items():
        yield never_clean(f"a pax size {name}", of(tgz(pax({b"size": value}), _BLOB)), M, D)
    for name, line in {
        "two blanks": b"13  size=512\n",
        "a blank and a tab": b"13 \tsize=512\n",
        "three blanks": b"14   size=512\n",
        "a leading blank": b" 13 size=512\n",
        "leading zeros": b"0014 size=512\n",
        "a length too small": b"11 size=512\n",
        "a length too large": b"99 size=512\n",
        "a length of zero": b"0 size=512\n",
        "a negative length": b"-13 size=512\n",
        "no length": b"size=512\n",
        "no value": b"8 size\n",
        "no key": b"8 =512\n",
        "no line end": b"11 size=512",
        "bytes behind it": b"12 size=512\nXYZ",
        "NULs behind it": b"12 size=512\n\0\0\0",
    }.items():
        for type_, words in ((b"x", "a pax"), (b"g", "a global")):
            lying = tgz(entry(b"PaxHeaders", line, type=type_), _BLOB)
            yield unscannable(f"{words} size with {name}", of(lying), M, D)
    for name, key in {"size": b"size", "path": b"path", "linkpath": b"linkpath"}.items():
        yield unscannable(f"a global {name}", of(tgz(pax({key: b"512"}, b"g"), _BLOB)), M)
    yield unscannable("a second record in a value", of(tgz(pax({b"comment": b"x\n12 size=512"}), _BLOB)), M)
    twice = entry(b"PaxHeaders", b"12 size=512\n13 size=1536\n", type=b"x")
    yield unscannable("a size twice", of(tgz(twice, _BLOB)), M)
    yield unscannable("two pax headers", of(tgz(pax({b"path": b"x"}), pax({b"path": b"y"}), BAD)), M)
    yield never_clean(
        "a pax size on a directory", of(tgz(pax({b"size": b"1024"}), entry(b"d/", type=b"5"), BAD)), M
    )
    yield never_clean("a pax path that makes a directory", of(tgz(pax({b"path": b"d/"}), BAD)), M)
    yield unscannable("a pax header and no entry", of(tgz(GOOD, pax({b"path": b"x"}))), M)
    over_the_end = pax({b"path": b"x"}) + bytes(1024) + BAD
    yield unscannable("a pax header over the end", of(tgz(over_the_end)), M)
    yield unscannable("a pax header of more than 1 MiB", of(tgz(pax({b"comment": bytes(2 * MIB)}), BAD)))


def _long() -> Iterator[Case]:
    """GNU's long names and links, which are entries of their own."""
    yield infected("a long name", of(tgz(long_name(b"n" * 300), BAD)), "n" * 300)
    yield infected("a long link", of(tgz(long_name(b"n" * 300, b"K"), entry(b"l", type=b"2"), BAD)), "bad")
    yield never_clean("EICAR behind a long name's NUL", of(tgz(long_name(b"n\0" + EICAR), GOOD)), M)
    yield never_clean("EICAR behind a long link's NUL", of(tgz(long_name(b"n\0" + EICAR, b"K"), GOOD)), M)
    hidden = long_name(EICAR + b"\0" + b"x" * 500_000, b"K")
    yield never_clean("EICAR in a long link of 500 kB", of(tgz(hidden, GOOD)), M, PATH)
    yield never_clean(
        "EICAR in a long link without a link", of(tgz(long_name(EICAR * 99, b"K"), GOOD)), M, PATH
    )
    yield unscannable("a long name of 200 kB", of(tgz(long_name(b"n" * 200_000), BAD)), PATH)
    yield unscannable("a long name of 200 kB of folders", of(tgz(long_name(b"n/" * 100_000), BAD)), PATH, M)
    yield unscannable("a pax name of 200 kB", of(tgz(pax({b"path": b"n" * 200_000}), BAD)), PATH)
    yield unscannable("a long name of 2 MiB", of(tgz(long_name(b"n" * 2 * MIB), BAD)))
    yield unscannable("two long names", of(tgz(long_name(b"a" * 200), long_name(b"b" * 200), BAD)), M)
    yield unscannable("a long name and no entry", of(tgz(GOOD, long_name(b"a" * 200))), M)
    yield unscannable("a long name over the end", of(tgz(long_name(b"a" * 200), bytes(1024), BAD)), M)
    yield never_clean("a long name that makes a directory", of(tgz(long_name(b"d" * 200 + b"/"), BAD)), M)
    yield never_clean("a long name that claims 1 TiB", of(tgz(header(b"L", type=b"L", size=2**33 - 1), BAD)))


def _sparse() -> Iterator[Case]:
    """Files stored without their holes: what unpacks from them is not what was scanned."""
    split = EICAR[:30], EICAR[30:]
    for version, records in {
        "0.0": {b"GNU.sparse.size": b"9999", b"GNU.sparse.numblocks": b"1", b"GNU.sparse.offset": b"0"},
        "0.1": {b"GNU.sparse.size": b"9999", b"GNU.sparse.map": b"0,30,512,38", b"GNU.sparse.name": b"s"},
        "1.0": {b"GNU.sparse.major": b"1", b"GNU.sparse.minor": b"0", b"GNU.sparse.realsize": b"9999"},
    }.items():
        content = b"1\n0\n68\n".ljust(512, b"\0") if version == "1.0" else b""
        yield never_clean(
            f"EICAR in a sparse file, pax {version}",
            of(tgz(pax(records), entry(b"s", content + EICAR))),
            *SPARSE,
        )
        yield unscannable(
            f"a harmless sparse file, pax {version}",
            of(tgz(pax(records), entry(b"s", content + b"x"))),
            *SPARSE,
        )
        yield unscannable(f"a global sparse header, pax {version}", of(tgz(pax(records, b"g"), GOOD)), M)
    sparse_map = b"%011o\0%011o\0" % (0, 68)
    for name, fields in {"GNU": {"magic": GNU}, "another magic": {}}.items():
        old = entry(b"s", EICAR, type=b"S", **fields)
        yield never_clean(f"EICAR in an old sparse file, {name}", of(tgz(old)), *SPARSE)
    # The map goes on in a block of its own, which others take for the content's first.
    block = bytearray(header(b"s", len(EICAR), type=b"S", magic=GNU))
    more = header(b"s", len(EICAR), type=b"S", magic=GNU, prefix=bytes(41) + sparse_map + bytes(72) + b"\1")
    assert len(block) == len(more)
    yield never_clean(
        "EICAR in an old sparse file of many holes",
        of(tgz(more, bytes(512), EICAR.ljust(512, b"\0"))),
        *SPARSE,
    )
    yield never_clean(
        "EICAR hidden in a sparse map",
        of(tgz(more, EICAR.ljust(512, b"\0"), b"x".ljust(512, b"\0"))),
        *SPARSE,
        D,
    )
    yield never_clean("a sparse map without an end", of(tgz(more, *([b"\1" * 512] * 9))), *SPARSE, D)
    for key in (b"SUN.holesdata", b"SCHILY.realsize"):
        yield unscannable(
            f"a sparse file by {key.decode()}", of(tgz(pax({key: b"0 512 9999"}), entry(b"s", b"x"))), *SPARSE
        )
    halves = pax({b"GNU.sparse.size": b"68", b"GNU.sparse.map": b"0,30,30,38"})
    yield never_clean(
        "EICAR in two halves of a sparse file", of(tgz(halves, entry(b"s", b"".join(split)))), *SPARSE
    )


CASES = (*_values(), *_lies(), *_long(), *_sparse())
