"""What is left of an infected bundle: the same files for every reader, and nothing that was not shown.

T25 of SECURITY.md in part: nothing of the customer's headers gets through.
"""

import gzip
import io
import math
import subprocess
import tarfile
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.bundle.budget import Budget, Meter
from app.bundle.errors import BundleError, DamagedBundleError, MalformedBundleError
from app.bundle.pack import END, FILE, entry_header
from app.bundle.salvage import NOTE, salvage
from app.bundle.tar import walk
from tests.factories.bundles import make_tgz

BUDGET = Budget(seconds=math.inf)


def chunks_of(bundle: bytes, leave_out: Mapping[int, str]) -> list[bytes]:
    return list(salvage(io.BytesIO(bundle), leave_out, budget=BUDGET))


def salvaged(bundle: bytes, leave_out: Mapping[int, str]) -> tuple[dict[str, bytes], str]:
    """Return the files of the new tar, and its note."""
    with tarfile.open(fileobj=io.BytesIO(b"".join(chunks_of(bundle, leave_out)))) as tar:
        files = {info.name: tar.extractfile(info).read() for info in tar if info.isreg()}  # type: ignore[union-attr]
    return files, files.pop(NOTE).decode()


def entry(name: str, content: bytes = b"", **fields: object) -> tuple[tarfile.TarInfo, bytes]:
    info = tarfile.TarInfo(name)
    info.size = len(content)
    for key, value in fields.items():
        setattr(info, key, value)
    return info, content


def bundle_of(*entries: tuple[tarfile.TarInfo, bytes], format_: int = tarfile.PAX_FORMAT) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz", format=format_) as tar:
        for info, content in entries:
            tar.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


parts = st.text(
    st.characters(
        exclude_categories=["Cs", "Cc", "Cf", "Zs", "Zl", "Zp", "Cn", "Co"], exclude_characters="/\\:"
    ),
    min_size=1,
    max_size=120,
).filter(lambda part: part not in {".", ".."} and part.casefold() != NOTE.casefold())
archives = st.dictionaries(parts.map("d/{}".format), st.binary(max_size=1500), min_size=1, max_size=6)


@settings(deadline=None, max_examples=60)
@given(archives, st.data())
def test_the_others_come_through_and_the_infected_do_not(
    files: dict[str, bytes], data: st.DataObject
) -> None:
    numbers = data.draw(st.sets(st.integers(0, len(files) - 1)))
    bundle = make_tgz(files)

    left, note = salvaged(bundle, {number: f"Sig-{number}" for number in numbers})

    assert left == {name: content for at, (name, content) in enumerate(files.items()) if at not in numbers}
    for at, name in enumerate(files):
        assert (f"{name}: infected: Sig-{at}" in note.splitlines()) == (at in numbers)


@settings(deadline=None, max_examples=25)
@given(archives)
def test_our_own_strict_reader_takes_it(files: dict[str, bytes]) -> None:
    tar = b"".join(chunks_of(make_tgz(files), {}))
    read = {member.name: b"".join(member.content) for member in walk(iter([tar]), Meter(BUDGET))}
    read.pop(NOTE)
    assert read == files


def test_gnu_tar_unpacks_the_same(tmp_path: Path) -> None:
    long = "d/" + "ö" * 100 + "/" + "x" * 150
    bundle = bundle_of(
        entry("d", type=tarfile.DIRTYPE, mode=0o000),
        entry("d/virus", b"bad"),
        entry(long, b"long", mtime=1_700_000_000, mode=0o4755),
        entry("d/now", type=tarfile.SYMTYPE, linkname="x/y"),
        entry("d/twin", type=tarfile.LNKTYPE, linkname=long),
    )
    tar = tmp_path / "left.tar"
    tar.write_bytes(b"".join(chunks_of(bundle, {1: "Sig"})))

    subprocess.run(["tar", "xf", tar, "-C", tmp_path, "--no-same-owner"], check=True, capture_output=True)

    assert (tmp_path / long).read_bytes() == (tmp_path / "d/twin").read_bytes() == b"long"
    assert (tmp_path / long).stat().st_mode & 0o7777 == 0o755
    assert (tmp_path / long).stat().st_mtime == 1_700_000_000
    assert (tmp_path / "d/now").readlink() == Path("x/y")
    assert not (tmp_path / "d/virus").exists()
    assert "Sig" in (tmp_path / NOTE).read_text()


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("/etc/passwd", "etc/passwd"),
        ("../../etc/passwd", "__/__/etc/passwd"),
        ("a/../../b", "a/__/__/b"),
        ("..\\..\\b", ".._.._b"),
        ("C:/b", "_C:/b"),
        ("./left-out.TXT", "_left-out.TXT"),
        ("a\nb", "a\ufffdb"),
    ],
)
def test_no_name_leads_away(name: str, safe: str) -> None:
    files, _ = salvaged(bundle_of(entry(name, b"content")), {})
    assert files == {safe: b"content"}


@pytest.mark.parametrize("target", ["/etc", "..", "a/../../b", "C:\\b", "..\\b"])
def test_links_that_could_lead_away_are_left_out(target: str) -> None:
    bundle = bundle_of(entry("d/link", type=tarfile.SYMTYPE, linkname=target), entry("d/link/x", b"x"))
    tar = b"".join(chunks_of(bundle, {}))
    with tarfile.open(fileobj=io.BytesIO(tar)) as read:
        assert [info.name for info in read if not info.isreg()] == []
    assert f"d/link: a link to {target}" in salvaged(bundle, {})[1]


def test_devices_pipes_and_attributes_stay_behind() -> None:
    bundle = bundle_of(
        entry("null", type=tarfile.CHRTYPE, devmajor=1, devminor=3),
        entry("pipe", type=tarfile.FIFOTYPE),
        entry("file", b"content", pax_headers={"SCHILY.xattr.user.evil": "payload"}, uname="somebody"),
    )
    tar = b"".join(chunks_of(bundle, {}))

    files, note = salvaged(bundle, {})

    assert files == {"file": b"content"}
    assert b"payload" not in tar
    assert b"somebody" not in tar
    assert "null: a device" in note
    assert "pipe: a named pipe" in note


def test_a_hard_link_goes_where_its_file_goes() -> None:
    bundle = bundle_of(
        entry("virus", b"bad"),
        entry("again", type=tarfile.LNKTYPE, linkname="./virus"),
        entry("and again", type=tarfile.LNKTYPE, linkname="again"),
        entry("good", b"good"),
        entry("same", type=tarfile.LNKTYPE, linkname="good"),
    )
    tar = b"".join(chunks_of(bundle, {0: "Sig"}))
    with tarfile.open(fileobj=io.BytesIO(tar)) as read:
        assert [(info.name, info.linkname) for info in read] == [("good", ""), ("same", "good"), (NOTE, "")]


def test_many_entries_that_are_left_out_make_a_short_note() -> None:
    pipes = [entry(f"pipe-{number}", type=tarfile.FIFOTYPE) for number in range(1_500)]
    assert "... and 500 more" in salvaged(bundle_of(*pipes), {})[1]


@pytest.mark.parametrize("cut", [1, 4, 8, 40, 400])
def test_a_damaged_bundle_never_gets_its_end(cut: int) -> None:
    """T25, F25: what differs from what was scanned is an error before the end, not a shorter archive."""
    bundle = make_tgz({f"file-{number}": bytes([number]) * 3000 for number in range(200)})
    given_out: list[bytes] = []
    with pytest.raises(DamagedBundleError):
        given_out.extend(salvage(io.BytesIO(bundle[:-cut]), {}, budget=BUDGET))
    assert END not in given_out


def test_an_entry_that_is_not_there_is_an_error() -> None:
    with pytest.raises(MalformedBundleError):
        chunks_of(make_tgz({"a": b""}), {1: "Sig"})


def test_the_end_comes_by_itself() -> None:
    bundle = make_tgz({"a": b"content", "b": b""})
    assert chunks_of(bundle, {})[-1] == END
    with pytest.raises(BundleError):
        chunks_of(gzip.compress(gzip.decompress(bundle) + b"more" * 128), {})


def test_a_file_too_large_for_the_old_fields_has_its_size_in_a_pax_header() -> None:
    block = entry_header("large", FILE, size=8**11 + 1, modified=8**11)
    with tarfile.open(fileobj=io.BytesIO(block + END), mode="r:") as tar:
        info = tar.firstmember  # type: ignore[attr-defined]
    assert (info.name, info.size, info.mtime) == ("large", 8**11 + 1, 8**11)
