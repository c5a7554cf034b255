"""Archives that unfold into more than anybody agreed to read (T22)."""

import random
import zlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial

from app.bundle.budget import Budget
from app.domain.verdict import Obstacle, Verdict
from tests.factories.hostile.case import BAD, EICAR, GOOD, MIB, Case, infected, of, unscannable
from tests.factories.hostile.locked import locked, zipped
from tests.factories.hostile.raw import END, entry, gz, header, pax, tar, tgz

LARGE, MANY = Obstacle.TOO_LARGE, Obstacle.TOO_MANY_FILES
ANY = frozenset({Verdict.CLEAN, Verdict.UNSCANNABLE})  # what matters is what it costs


def zeros(mebibytes: int, before: bytes = b"") -> bytes:
    """Return a gzip member of ``before`` and so many MiB of zeros, a thousand times smaller.

    Its trailer is wrong: nobody should get there.
    """
    deflater = zlib.compressobj(9, zlib.DEFLATED, -15)
    start = deflater.compress(before) + deflater.flush(zlib.Z_FULL_FLUSH)
    one = deflater.compress(bytes(MIB)) + deflater.flush(zlib.Z_FULL_FLUSH)
    return b"\x1f\x8b\x08" + bytes(7) + start + one * mebibytes + b"\3\0" + bytes(8)


def _gzip() -> Iterator[Case]:
    much = 8_000
    for name, before in {
        "a file": header(b"zeros", size=8**11 - 1),
        "a file behind others": GOOD * 100 + header(b"zeros", size=8**11 - 1),
        "the zeros behind the end": tar(GOOD),
        "junk behind the end": tar(GOOD) + b"x",
    }.items():
        yield unscannable(f"8 GB of zeros as {name}", partial(zeros, much, before), LARGE)
    yield unscannable(
        "8 GB of zeros as a long name", partial(zeros, 8_000, header(b"L", 8**11 - 1, type=b"L"))
    )
    yield unscannable(
        "8 GB of zeros as a pax header", partial(zeros, 8_000, header(b"x", 8**11 - 1, type=b"x"))
    )
    yield infected("8 GB of zeros behind EICAR", partial(zeros, 8_000, BAD + header(b"z", 8**11 - 1)), "bad")
    yield unscannable("8 GB of zeros before EICAR", partial(_before_eicar, 8_000), LARGE)
    yield unscannable("1 GB in a nested tgz", partial(_inside, b"a.tgz", 1000), LARGE)
    yield unscannable("1 GB in a nested gz", partial(_inside, b"a.gz", 1000), LARGE)
    yield unscannable("1 GB, compressed twice and nested", _twice, LARGE)
    yield unscannable("100 nested gz of 20 MB each", _many_small, LARGE)


def _before_eicar(mebibytes: int) -> bytes:
    return zeros(mebibytes, header(b"zeros", size=mebibytes * MIB)) + tgz(BAD)


def _inside(name: bytes, mebibytes: int) -> bytes:
    before = header(b"zeros", size=mebibytes * MIB) if name.endswith(b".tgz") else b"\0"
    return tgz(entry(name, zeros(mebibytes, before)))


def _twice() -> bytes:
    return tgz(entry(b"a.gz", gz(zeros(1000), level=9)))


def _many_small() -> bytes:
    return tgz(*(entry(b"%d.gz" % number, zeros(20)) for number in range(100)))


def _counted() -> Iterator[Case]:
    few = Budget(members=1000)
    yield unscannable("1,001 entries where 1,000 are allowed", partial(_files, 1001), MANY, budget=few)
    yield unscannable("1,001 directories", partial(_files, 1001, b"5"), MANY, budget=few)
    yield unscannable("1,001 links", partial(_files, 1001, b"1"), MANY, budget=few)
    inner = partial(_nested_files, 3, 500)
    yield unscannable("1,500 entries in three nested archives", inner, MANY, budget=few)
    noise = tgz(entry(b"noise", random.Random(1).randbytes(300_000)))
    yield unscannable("300 kB where 200 kB are allowed", of(noise), LARGE, budget=Budget(expanded=200_000))
    nested = tgz(entry(b"a.tgz", noise))
    yield unscannable("the same nested", of(nested), LARGE, budget=Budget(expanded=500_000))
    yield unscannable("no time at all", of(noise), Obstacle.TOO_SLOW, budget=Budget(seconds=0))
    yield unscannable(
        "a path of 5,000 bytes", of(tgz(pax({b"path": b"p" * 5000}), GOOD)), Obstacle.PATH_TOO_LONG
    )


def _files(count: int, type_: bytes = b"0") -> bytes:
    return tgz(*(entry(b"%d" % number, type=type_, linkname=b"0") for number in range(count)))


def _nested_files(archives: int, count: int) -> bytes:
    return tgz(*(entry(b"%d.tgz" % number, _files(count)) for number in range(archives)))


def _work() -> Iterator[Case]:
    """Small archives that make a reader work."""
    # Every one is allowed alone. Held until their entry comes, they would be 300 MB.
    attributes = pax({b"comment": random.Random(6).randbytes(8000) * 125}, b"g")
    heavy = gz(attributes * 300 + GOOD + END, level=1)
    yield Case("300 MB of pax headers before one entry", of(heavy), ANY)
    spread = partial(_work_of, pax({b"%d" % n: b"v" for n in range(50_000)}), 10)
    yield Case("500,000 pax records", spread, ANY)
    yield Case("20,000 global headers", of(gz(pax({b"comment": b"c"}, b"g") * 20_000 + GOOD + END)), ANY)
    yield infected("100,000 empty gzip members", of(gz(b"") * 100_000 + tgz(BAD)), "bad")
    yield infected(
        "20,000 small gzip members", of(b"".join(gz(b"\0" * 512) for _ in range(20_000)) + tgz(BAD))
    )
    # All different, or the engine would be asked once.
    yield unscannable("3,000 encrypted zips", partial(_each, locked), Obstacle.ENCRYPTED)
    yield infected("3,000 infected files", partial(_each, _infected))
    yield infected("3,000 infected zips", partial(_each, lambda number: zipped(f"{number}.com", EICAR)))
    empty_blocks = b"\x1f\x8b\x08" + bytes(7) + b"\0\0\0\xff\xff" * 2_000_000
    yield unscannable("10 MB of deflate blocks that hold nothing", of(empty_blocks), Obstacle.DAMAGED)
    yield unscannable("a gzip name of 20 MB", of(b"\x1f\x8b\x08\x08" + bytes(6) + b"n" * 20_000_000))


def _work_of(header_: bytes, times: int) -> bytes:
    return tgz(*([header_ + GOOD] * times))


def _each(content: Callable[[int], bytes]) -> bytes:
    return tgz(*(entry(b"%d" % number, content(number)) for number in range(3000)))


def _infected(number: int) -> bytes:
    return EICAR + b" " * (number % 50) + b"\n" * (number // 50)


CASES = (*_gzip(), *_counted(), *(replace(case, seconds=60.0) for case in _work()))
