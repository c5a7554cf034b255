"""Other containers: renamed to .tgz, as members, and as disguises of what is beside them (T6, T20)."""

import bz2
import lzma
import struct
import zipfile
import zlib
from collections.abc import Iterator

from app.domain.verdict import Obstacle
from tests.factories.hostile.case import BAD, EICAR, GOOD, Case, infected, never_clean, of, unscannable
from tests.factories.hostile.locked import locked, zipped
from tests.factories.hostile.raw import entry, gz, tar, tgz

D, M = Obstacle.DAMAGED, Obstacle.MALFORMED
# What a container begins with, and where, for the engine to take a stream for it.
MAGICS = {
    "a GPT disk": (b"EFI PART", (0, 512)),
    "an MBR disk": (b"\x55\xaa", (510,)),
    "an Apple disk": (b"PM\0\0", (512,)),
    "an ELF program": (b"\x7fELF\2\1\1", (0,)),
    "a Windows program": (b"MZ\x90\0", (0,)),
    "a zip": (b"PK\3\4\x14\0\0\0\x08\0", (0, 100)),
    "a rar": (b"Rar!\x1a\x07\1\0", (0, 100)),
    "a 7z": (b"7z\xbc\xaf\x27\x1c\0\4", (0, 100)),
    "a gzip": (b"\x1f\x8b\x08\0", (0,)),
    "a PDF": (b"%PDF-1.4\n", (0, 900)),
    "a page": (b"<html><body>", (0, 40)),
    "a mail": (b"From: a\nContent-Type: multipart/mixed\n\n", (0,)),
    "a CD image": (b"\1CD001\1\0", (32_768, 34_816, 37_400)),
    "an HFS disk": (b"H+\0\4", (1024,)),
    "a DMG trailer": (b"koly\0\0\0\4", (0,)),
    "a tar": (b"ustar\x0000", (257,)),
    "a cabinet": (b"MSCF\0\0\0\0", (0, 512)),
    "an OLE document": (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", (0,)),
    "an image": (b"\x89PNG\r\n\x1a\n", (0,)),
    "a script": (b"#!/bin/sh\n", (0,)),
}


def _renamed() -> Iterator[Case]:
    """What is no .tgz, whatever it is called. The engine says OK to some of these."""
    packed = tar(GOOD, BAD)
    for name, data in {
        "a tar": packed,
        "a zip": zipped("bad.com", EICAR),
        "bzip2": bz2.compress(packed),
        "xz": lzma.compress(packed),
        "lzma": lzma.compress(packed, lzma.FORMAT_ALONE),
        "zstd": b"\x28\xb5\x2f\xfd\x20"
        + bytes((len(EICAR),))
        + struct.pack("<L", len(EICAR) << 3 | 1)[:3]
        + EICAR,
        "lz4": b"\x04\x22\x4d\x18\x60\x40\x82" + struct.pack("<L", len(EICAR) | 1 << 31) + EICAR + bytes(4),
        "7z": b"7z\xbc\xaf\x27\x1c\0\4" + EICAR,
        "rar": b"Rar!\x1a\x07\1\0" + EICAR,
        "compress": b"\x1f\x9d\x90" + EICAR,
        "the bare file": EICAR,
        "zlib without gzip": zlib.compress(packed),
        "text": b"just a log\n" * 200,
    }.items():
        yield unscannable(f"{name} renamed", of(data), D, M)
        if name != "a tar":
            yield never_clean(f"{name} in gzip, renamed", of(gz(data + bytes(600))), D, M)
    yield unscannable("a bundle compressed twice", of(gz(tgz(BAD))), D, M)


def _polyglots() -> Iterator[Case]:
    """A bundle to one reader, something else to another that begins at the end, or in the middle."""
    outer, packed = tgz(GOOD), zipped("bad.com", EICAR)
    yield unscannable("a zip behind a bundle", of(outer + packed), D, M)
    yield unscannable("a zip before a bundle", of(packed + outer), D, M)
    yield unscannable("a zip in the extra field of a bundle", of(gz(tar(GOOD), extra=packed)), D, M)
    yield never_clean(
        "a zip in the comment of a bundle", of(gz(tar(GOOD), comment=packed.replace(b"\0", b"\1"))), M
    )
    yield never_clean("a zip behind the end of the tar", of(gz(tar(GOOD) + packed)), M)
    yield infected("a zip over two members", of(tgz(entry(b"a", packed), GOOD)), "a")
    yield infected("a script that is also a zip", of(tgz(entry(b"a", b"#!/bin/sh\nexit\n" + packed))), "a")


def _members() -> Iterator[Case]:
    """Containers as members, which are left to the engine."""
    yield infected("EICAR in a stored zip", of(tgz(entry(b"a.zip", zipped("bad.com", EICAR)))), "a.zip")
    deflated = zipped("bad.com", EICAR, zipfile.ZIP_DEFLATED)
    yield infected("EICAR in a deflated zip", of(tgz(entry(b"a.zip", deflated))), "a.zip")
    yield infected("EICAR in a zip in a zip", of(tgz(entry(b"a.zip", zipped("b.zip", deflated)))), "a.zip")
    yield infected("EICAR in a zip in a nested tgz", of(tgz(entry(b"a.tgz", tgz(entry(b"b.zip", deflated))))))
    yield infected("EICAR in a tgz in a zip", of(tgz(entry(b"a.zip", zipped("b.tgz", tgz(BAD))))), "a.zip")
    yield unscannable("an encrypted zip", of(tgz(GOOD, entry(b"a.zip", locked()))), Obstacle.ENCRYPTED)
    nested = tgz(entry(b"b.tgz", tgz(entry(b"a.zip", locked()))))
    yield unscannable("an encrypted zip in a nested tgz", of(nested), Obstacle.ENCRYPTED)
    yield infected("an encrypted zip beside EICAR", of(tgz(entry(b"a.zip", locked()), BAD)), "bad")
    padded = zipped("noise", bytes(range(256)) * 8192)
    yield infected("EICAR behind a large zip", of(tgz(entry(b"a.zip", padded), BAD)), "bad")


def _disguises() -> Iterator[Case]:
    """A member cannot make the engine take what it lies among for something else."""
    for name, (magic, places) in MAGICS.items():
        for place in places:
            small = bytes(place) + magic + bytes(600)
            yield infected(f"EICAR beside {name} at {place}", of(tgz(entry(b"disguise", small), BAD)), "bad")
            inner = tgz(entry(b"in.tar", tar(entry(b"disguise", small), BAD)))
            yield infected(f"EICAR in a nested tar beside {name} at {place}", of(inner), "in.tar!/bad")


CASES = (*_renamed(), *_polyglots(), *_members(), *_disguises())
