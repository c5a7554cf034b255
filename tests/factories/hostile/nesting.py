"""EICAR in archives within archives, first, in the middle and last (T20, T22)."""

import bz2
import lzma
import random
from collections.abc import Iterator
from functools import partial

from app.domain.verdict import Obstacle
from tests.factories.hostile.case import BAD, EICAR, GOOD, MIB, Case, clean, infected, never_clean, of
from tests.factories.hostile.locked import locked
from tests.factories.hostile.raw import END, entry, gz, header, tar, tgz

OPENED = 4  # archives within archives that the portal opens itself (DESIGN 4)
DEEPEST = 20
PLACES = ("first", "middle", "last")
_BESIDE = (entry(b"beside-0", b"one\n" * 30), entry(b"beside-1", b"two\n" * 300))
_TOO_DEEP = (Obstacle.TOO_DEEP, Obstacle.LIMIT)


def wrap(kind: str, name: str, content: bytes, place: int) -> bytes:
    """Return an archive of ``kind`` that holds the content beside others, or alone if it is gz."""
    if kind == "gz":
        return gz(content)
    packed = tar(*_BESIDE[:place], entry(name.encode(), content), *_BESIDE[place:])
    return gz(packed) if kind == "tgz" else packed


def nested(kinds: tuple[str, ...], place: int = 1, content: bytes = EICAR) -> bytes:
    """Return a bundle; ``kinds`` are those of the archives in it, from the outermost inwards."""
    name = "bad.com"
    for depth, kind in reversed(list(enumerate(kinds))):
        content = wrap(kind, name, content, place)
        name = f"level-{depth}.{kind}"
    return wrap("tgz", name, content, place)


def path(kinds: tuple[str, ...]) -> str:
    """Return what a finding in such a bundle of tgz and tar is called: ``outer.tgz!/inner/path``."""
    return "!/".join([*(f"level-{depth}.{kind}" for depth, kind in enumerate(kinds)), "bad.com"])


def _placed() -> Iterator[Case]:
    for place, word in enumerate(PLACES):
        yield infected(f"EICAR {word}", partial(nested, (), place), "bad.com")
        for kind in ("tgz", "tar"):
            for depth in range(1, OPENED + 1):
                kinds = (kind,) * depth
                yield infected(
                    f"EICAR {word} below {depth} {kind}", partial(nested, kinds, place), path(kinds)
                )


def _deep() -> Iterator[Case]:
    for kind in ("tgz", "tar", "gz"):
        for depth in range(OPENED + 1, DEEPEST + 1):
            yield never_clean(f"EICAR below {depth} {kind}", partial(nested, (kind,) * depth), *_TOO_DEEP)
    for kind in ("tgz", "tar", "gz"):
        yield clean(f"harmless below {OPENED} {kind}", partial(nested, (kind,) * OPENED, 1, b"fine"))


def _mixed() -> Iterator[Case]:
    for kinds in (
        ("tgz", "gz"),
        ("gz", "tgz"),
        ("tar", "gz", "tgz"),
        ("gz", "tar", "gz"),
        ("tgz", "tar", "tgz"),
    ):
        yield infected(f"EICAR below {', '.join(kinds)}", partial(nested, kinds))
    yield infected("EICAR in gz", partial(nested, ("gz",)), "level-0.gz!/level-0")
    for depth in range(2, OPENED + 1):
        yield infected(f"EICAR in {depth} times gz", partial(nested, ("gz",) * depth))
    yield infected("EICAR in bzip2", of(tgz(entry(b"a.bz2", bz2.compress(EICAR)))), "a.bz2")
    yield infected("EICAR in xz", of(tgz(entry(b"a.xz", lzma.compress(EICAR)))), "a.xz")
    yield infected("EICAR in a tar in bzip2", of(tgz(entry(b"a.tbz", bz2.compress(tar(GOOD, BAD))))), "a.tbz")
    yield infected("EICAR behind 3 MiB in a nested tgz", partial(_large, "tgz"), "large.tgz!/bad")
    yield infected("EICAR behind 3 MiB in a nested tar", partial(_large, "tar"), "large.tar!/bad")
    yield infected("EICAR behind 3 MiB in a nested gz", partial(_large, "gz"))
    yield infected(
        "the same name outside and inside", of(tgz(entry(b"bad", b"x"), entry(b"bad.tgz", tgz(BAD))))
    )
    name_of_one = entry(b"bad.txt", tgz(BAD))
    yield infected("a nested archive under another name", of(tgz(name_of_one)), "bad.txt!/bad")
    yield infected(
        "a nested archive named as a path", of(tgz(entry(b"../../a.tgz", tgz(BAD)))), "../../a.tgz!/bad"
    )


def _large(kind: str) -> bytes:
    noise = random.Random(3).randbytes(3 * MIB)
    inner = tar(entry(b"noise", noise), BAD)
    if kind == "gz":
        inner = EICAR + noise
    return tgz(entry(b"large." + kind.encode(), inner if kind == "tar" else gz(inner, level=1)))


# What comes first in a tar stands where engines look for what a file is: the name, and then the
# content. Taken for one of these, it is not looked into as a tar.
_LEADS = {
    "": GOOD,
    ", like a disk": entry(b"disk", b"EFI PART" + bytes(600)),
    ", like a PDF": entry(b"%PDF-1.4", b"x"),
    ", like a picture": entry(b"GIF89a", b"x"),
}


def _damaged() -> Iterator[Case]:
    """Nested archives that are not sound, with EICAR on either side of the damage."""
    for words, lead in _LEADS.items():
        for name, inner in _unsound(lead).items():
            yield never_clean(name + words, of(tgz(GOOD, entry(b"inner", inner), GOOD)))


def _unsound(lead: bytes) -> dict[str, bytes]:
    """Return archives that begin with ``lead`` and out of which some reader gets EICAR."""
    only, first, last = tar(lead), tar(lead, BAD, GOOD), tar(lead, BAD)
    broken_first, broken_later = bytearray(last), bytearray(tar(lead, GOOD, BAD))
    broken_first[0] ^= 1  # GNU tar says "skipping to next header", and does
    broken_later[len(lead)] ^= 1
    log = b"".join(b"%d a line of a log\n" % number for number in range(30_000))
    cut = lead + header(b"bad", 1000) + EICAR + b"x" * 100
    padding = gz(lead + header(b"a", 1) + (b"x" + EICAR).ljust(512, b"\0") + END)
    return {
        "a nested tgz cut off behind EICAR": gz(tar(lead, BAD, entry(b"log", log)))[:-900],
        "a nested tgz cut in its trailer": gz(last)[:-3],
        "a nested tgz with a wrong CRC": gz(last, crc=1),
        "a nested tgz with a wrong length": gz(last, length=1),
        "a nested tgz with junk behind it, EICAR before": gz(last) + b"junk" * 200,
        "a nested tgz with EICAR as a second gzip member": gz(only) + tgz(BAD),
        "a nested tgz with zeros and EICAR behind it": gz(only) + bytes(512) + tgz(BAD),
        "a nested tgz with junk and EICAR behind it": gz(only) + b"junk" * 128 + tgz(BAD),
        "a nested tgz with the bare file behind it": gz(only) + EICAR,
        "a nested tgz with a wrong first header before EICAR": gz(bytes(broken_first)),
        "a nested tgz with a wrong header before EICAR": gz(bytes(broken_later)),
        "a nested tgz without an end": gz(lead + BAD),
        "a nested tgz cut off within EICAR's file": gz(cut),
        "a nested tgz with EICAR behind its end": gz(only + tar(BAD)),
        "a nested tgz with the bare file behind its end": gz(only + EICAR),
        "a nested tgz with a directory that claims EICAR": tgz(lead, entry(b"d/", EICAR, type=b"5")),
        "a nested tgz with a link that claims EICAR": tgz(lead, entry(b"l", EICAR, type=b"1", linkname=b"x")),
        "a nested tgz of an unknown type of entry": tgz(lead, entry(b"u", EICAR, type=b"Q")),
        "a nested tgz with EICAR in padding": padding,
        "a nested tgz with a sparse EICAR": tgz(lead, entry(b"s", EICAR, type=b"S", magic=b"ustar  \0")),
        "a nested tgz with EICAR and a large extra field": gz(last, extra=bytes(100)),
        "a nested tgz with EICAR and a long comment": gz(last, comment=b"c" * 5000),
        "a nested tgz with EICAR and a long name": gz(last, name=b"c" * 5000),
        "a nested tgz in 300 empty gzip members": gz(b"") * 300 + gz(last),
        "a nested tar cut off behind EICAR": first[:-1024] + GOOD[:300],
        "a nested tar cut off within EICAR's file": cut,
        "a nested tar cut off within EICAR's padding": (lead + BAD)[:-400],
        "a nested tar with a wrong first header before EICAR": bytes(broken_first),
        "a nested tar with a wrong header before EICAR": bytes(broken_later),
        "a nested tar without an end": lead + BAD,
        "a nested tar with EICAR behind its end": only + tar(BAD),
        "a nested tar with the bare file behind its end": only + EICAR,
        "a nested tar with a directory that claims EICAR": tar(lead, entry(b"d/", EICAR, type=b"5")),
        "a nested tar below as many as are opened": nested(("tgz",) * OPENED, 1, last),
    }


def _damaged_gzip() -> Iterator[Case]:
    log = b"".join(b"%d a line of a log\n" % number for number in range(30_000))
    for name, inner in {
        "a nested gz with junk behind it": gz(EICAR) + b"junk" * 99,
        "a nested gz behind an empty gzip member": gz(b"") + gz(EICAR),
        "a nested gz cut off behind EICAR": gz(EICAR + log)[:-900],
        "a nested gz with a large extra field": gz(EICAR, extra=bytes(100)),
        "a nested gz with a wrong CRC": gz(EICAR + log, crc=1),
    }.items():
        yield never_clean(name, of(tgz(GOOD, entry(b"inner", inner), GOOD)))
    for name, inner in {
        "a nested tgz cut off, as logs are, and harmless": gz(tar(entry(b"log", log)))[:-900],
        "a nested gz cut off, as logs are, and harmless": gz(log)[:-900],
        "a nested tar cut off, as logs are, and harmless": tar(entry(b"log", log))[:90_000],
    }.items():
        yield clean(name, of(tgz(entry(b"inner", inner))))


def _held_back() -> Iterator[Case]:
    """Large nested archives that turn out unsound after much of them was scanned already."""
    noise = entry(b"noise", random.Random(7).randbytes(9 * MIB))
    rest = entry(b"rest", random.Random(8).randbytes(300_000))
    for name, member in {
        "EICAR": BAD,
        "a directory that claims EICAR": entry(b"a.tgz", tgz(entry(b"d/", EICAR, type=b"5"))),
        "an encrypted zip": entry(b"a.zip", locked()),
        "a sparse file": entry(b"s", EICAR, type=b"S", magic=b"ustar  \0"),
        "a gz with junk behind it": entry(b"a.gz", gz(b"fine") + b"junk"),
    }.items():
        lead = entry(b"disk", b"EFI PART" + bytes(600))
        inner = gz(tar(lead, noise, member, rest), level=1)
        yield never_clean(f"9 MiB, {name}, and cut off", of(tgz(entry(b"inner", inner[:-1000]))))
        yield never_clean(f"9 MiB, {name}, and junk behind", of(tgz(entry(b"inner", inner + b"junk"))))


CASES = (*_placed(), *_deep(), *_mixed(), *_damaged(), *_damaged_gzip(), *_held_back())
