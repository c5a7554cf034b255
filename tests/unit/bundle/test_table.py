"""The member table gives back what was put in, by level and by path, in flat memory."""

import gzip
import io
import random
import resource
import sqlite3
import threading
from collections.abc import Iterable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.bundle import table as module
from app.bundle.members import Members, Noted, StaleTableError
from app.bundle.table import Entry, MemberTable

OF = "a" * 64


def entry(path: str, number: int | None = 0, kind: module.Kind = "file", **other: object) -> Entry:
    plain = {"size": 1, "mode": 0o644, "modified": 0, "offset": 0, "link": None, "depth": 0}
    return Entry(number=number, path=path, kind=kind, **{**plain, **other})  # type: ignore[arg-type]


def kept(path: Path, entries: Iterable[Entry]) -> bytes:
    table = MemberTable(path)
    for one in entries:
        table.add(one)
    return packed(table)


def packed(table: MemberTable) -> bytes:
    table.close(OF, version="v1")
    assert table.lost is None
    target = io.BytesIO()
    table.compress(target)
    return target.getvalue()


def opened(data: bytes, of: str = OF) -> Members:
    return Members(io.BytesIO(data), of=of)


segments = st.sampled_from(["a", "b", "Log ö", "..", ".", "", "x!"])
paths = st.lists(segments, min_size=1, max_size=90).map("/".join)
entries_ = st.lists(
    st.builds(
        Entry,
        number=st.none() | st.integers(0, 10**6),
        path=paths,
        kind=st.sampled_from(["file", "directory", "symlink", "other"]),
        size=st.integers(0, 2**63 - 1),
        mode=st.integers(0, 0o7777),
        modified=st.integers(-(2**62), 2**62),
        offset=st.integers(-1, 2**62),
        link=st.none() | st.text(max_size=20),
        depth=st.integers(0, 4),
    ),
    max_size=30,
)


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(entries_)
def test_what_went_in_comes_out_and_is_found(tmp_path: Path, entries: list[Entry]) -> None:
    path = tmp_path / "table"
    path.unlink(missing_ok=True)

    with opened(kept(path, entries)) as members:
        assert list(members.entries()) == entries
        latest = {"/".join(module.parts_of(one.path)): one for one in entries}
        assert {path: members.find(path) for path in latest} == latest
        files = [one for one in entries if one.kind != "directory"]
        assert sorted(walked(members), key=repr) == sorted(files, key=repr)


def walked(members: Members, folder: str = "") -> list[Entry]:
    """List every level, as a person would who opens every folder."""
    found = members.files(folder, limit=1000)
    for name in members.folders(folder, limit=1000):
        found += walked(members, f"{folder}/{name}")
    return [one for one in found if one.kind != "directory"]  # one that lies too deep is listed so


def test_a_level_lists_folders_without_an_entry_and_empty_ones(tmp_path: Path) -> None:
    data = kept(
        tmp_path / "table",
        [
            entry("./", kind="directory"),
            entry("./logs/app/a.log", 1),
            entry("./logs/b.log", 2),
            entry("./empty/", 3, kind="directory"),
            entry("./in.tgz", 4),
            entry("./in.tgz!/x/y", 4, depth=1, offset=-1),
        ],
    )
    with opened(data) as members:
        assert members.folders("", limit=10) == ["empty", "in.tgz!", "logs"]
        assert [one.path for one in members.files("", limit=10) if one.kind == "file"] == ["./in.tgz"]
        assert [one.path for one in members.files("logs", limit=10)] == ["./logs/b.log"]
        assert members.folders("", after="empty", limit=1) == ["in.tgz!"]
        assert members.folders("nowhere", limit=10) == []
        assert members.files("nowhere", limit=10) == []
        assert members.find("in.tgz!/x/y") == entry("./in.tgz!/x/y", 4, depth=1, offset=-1)
        assert members.find("nowhere") is None


def test_of_equal_paths_the_last_is_found(tmp_path: Path) -> None:
    with opened(kept(tmp_path / "table", [entry("a", 0), entry("b", 1), entry("./a", 2)])) as members:
        assert members.find("a") == entry("./a", 2)


def test_findings_come_from_any_thread(tmp_path: Path) -> None:
    table = MemberTable(tmp_path / "table")
    threads = [
        threading.Thread(target=table.finding, args=("a!/b", number, "infected", f"Sig-{number}"))
        for number in range(20)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    table.finding("(data after the end)", None, "infected", "Sig")
    with opened(packed(table)) as members:
        found = members.findings()
    assert found[-1] == Noted("(data after the end)", None, "infected", "Sig")
    assert {one.detail for one in found[:-1]} == {f"Sig-{number}" for number in range(20)}


def test_a_second_pass_begins_anew(tmp_path: Path) -> None:
    table = MemberTable(tmp_path / "table")
    table.add(entry("old/x"))
    table.finding("old/x", 0, "error", "")
    table.restart()
    table.add(entry("new"))
    with opened(packed(table)) as members:
        assert [one.path for one in members.entries()] == ["new"]
        assert members.folders("", limit=10) == []
        assert members.findings() == []


def test_a_table_of_other_bytes_or_another_make_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = kept(tmp_path / "table", [])
    with pytest.raises(StaleTableError):
        opened(data, of="b" * 64)
    monkeypatch.setattr(module, "SCHEMA", 2)
    newer = kept(tmp_path / "newer", [])
    with pytest.raises(StaleTableError):
        opened(newer)


@pytest.mark.parametrize("data", [b"", b"\x1f\x8b", gzip.compress(b"no table" * 1000)], ids=range(3))
def test_a_damaged_table_is_an_error_of_reading(data: bytes) -> None:
    with pytest.raises(OSError, match=r"table|gzip"):
        opened(data)


def test_a_table_that_grows_too_large_is_lost_and_disturbs_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """T22: the disk stays flat."""
    monkeypatch.setattr(module, "MOST_BYTES", 256 * 1024)
    table = MemberTable(tmp_path / "table")
    for number in range(20_000):
        table.add(entry(f"folder-{number}/some-name", number))
    table.close(OF)
    assert table.lost is not None
    assert (tmp_path / "table").stat().st_size <= 256 * 1024


def test_a_path_of_thousands_of_levels_costs_no_thousands_of_folders(tmp_path: Path) -> None:
    """T22: the disk that a table takes grows with its paths, and not with their square."""
    draw = random.Random(1)
    deep = ["/".join([draw.randbytes(3).hex(), *["x"] * 2000]) for _ in range(300)]
    kept(tmp_path / "table", [entry(path, number) for number, path in enumerate(deep)])
    assert (tmp_path / "table").stat().st_size < 12 * sum(map(len, deep))
    with sqlite3.connect(tmp_path / "table") as database:
        [(folders,)] = database.execute("SELECT count(*) FROM folder")
    database.close()
    assert folders == 300 * module.MOST_LEVELS


def test_memory_stays_flat(tmp_path: Path) -> None:
    def peak_after(count: int) -> int:
        table = MemberTable(tmp_path / str(count))
        for number in range(count):
            table.add(entry(f"some/folder-{number % 5_000}/name-{number}", number))
        table.close(OF)
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    usual = peak_after(100_000)
    assert peak_after(250_000) - usual < 8 * 1024  # KiB; the entries would take 100 MiB
