"""Cut off, flipped, lost and doubled: at every kind of place, with EICAR before and behind it."""

import random
from collections.abc import Iterator

from app.domain.verdict import Obstacle
from tests.factories.hostile.case import BAD, EICAR, GOOD, MIB, Case, infected, never_clean, of, unscannable
from tests.factories.hostile.raw import END, entry, gz, pax, tar

D, M = Obstacle.DAMAGED, Obstacle.MALFORMED
_CUTS = {  # of a tar of a pax header, its entry of 700 bytes, and an end
    "nothing": 0,
    "half a pax header": 100,
    "a pax header without its records": 512,
    "half a pax record": 520,
    "half of a record's padding": 800,
    "a pax header without its entry": 1024,
    "half a header": 1200,
    "a header without its file": 1536,
    "half a file": 1900,
    "half of a file's padding": 2300,
    "no end": 2560,
    "half a block of end": 2800,
    "one block of end": 3072,
}


def _cut_tar() -> Iterator[Case]:
    whole = pax({b"comment": b"c"}) + entry(b"a", b"x" * 700) + END
    assert len(whole) == 3584
    for place, length in _CUTS.items():
        yield unscannable(f"{place} left of a tar", of(gz(whole[:length])), D, M)
        # What was there before the damage is on disk already, with every reader.
        yield infected(f"EICAR, then {place}", of(gz(BAD + whole[:length])), "bad")
    long = tar(entry(b"large", bytes(range(256)) * 8192))
    yield unscannable("half a large file", of(gz(long[:MIB])), D)
    yield unscannable("a large file without its last byte", of(gz(long[:-1025])), D)
    large = entry(b"large", EICAR + random.Random(2).randbytes(2 * MIB))
    yield infected("half a large infected file", of(gz(large[: MIB + 512])), "large")


def _cut_gzip() -> Iterator[Case]:
    good, bad = gz(tar(GOOD), name=b"bundle.tar"), gz(tar(BAD), name=b"bundle.tar")
    for length in (1, 2, 3, 4, 9, 10, 15, 21):
        yield unscannable(f"{length} bytes of a gzip header", of(good[:length]), D, M)
    for missing, place in {
        8: "its trailer",
        5: "most of its trailer",
        4: "its length",
        1: "its last byte",
    }.items():
        yield unscannable(f"a bundle without {place}", of(good[:-missing]), D)
        yield infected(f"an infected bundle without {place}", of(bad[:-missing]), "bad")
        yield never_clean(f"an infected bundle without {place}, then another", of(bad[:-missing] + good), D)
    for part in (30, 50, 70, 90):
        yield unscannable(f"{part} % of a bundle", of(good[: len(good) * part // 100]), D)


def _changed() -> Iterator[Case]:
    rng = random.Random(4)
    noise = entry(b"noise", rng.randbytes(60_000))
    good = gz(tar(GOOD, noise))
    for number in range(8):
        flipped = bytearray(good)
        flipped[rng.randrange(60, len(good))] ^= 1 << rng.randrange(8)
        yield unscannable(f"a flipped bit, the {number}th", of(bytes(flipped)), D, M)
    early = bytearray(gz(tar(BAD, noise), level=0))
    early[-20_000] ^= 1
    yield never_clean("a flipped bit behind EICAR", of(bytes(early)), D)
    plain = tar(GOOD, entry(b"two", b"2" * 3000), BAD)
    for block in range(5):
        lost = plain[: block * 512] + plain[block * 512 + 512 :]
        yield never_clean(f"block {block} lost before EICAR", of(gz(lost)), D, M)
        doubled = plain[: block * 512 + 512] + plain[block * 512 :]
        yield never_clean(f"block {block} doubled before EICAR", of(gz(doubled)), D, M)
    cut, hole = plain[:2048], bytes(512)
    yield never_clean("a block of zeros before EICAR", of(gz(cut + hole + plain[2048:])), D, M)


CASES = (*_cut_tar(), *_cut_gzip(), *_changed())
