"""What lies in a bundle, as a table: written while it is scanned, read without touching the bundle.

One SQLite file, kept compressed beside the bundle. Memory stays flat however many entries there
are. Paths are the display paths; a folder may be there without an entry of its own.
"""

import sqlite3
from pathlib import Path
from threading import Lock
from types import TracebackType
from typing import Any, BinaryIO, Literal, NamedTuple, cast

from isal import igzip

SCHEMA = 1
ROOT = 0  # the id of the folder that all others lie in
# A path with more levels keeps what is too deep in its name. Else each path of a hostile archive
# could make thousands of folders.
MOST_LEVELS = 64
MOST_BYTES = 1024**3  # of the file: a million entries with long names need a quarter
_PAGE = 4096
_BATCH = 500  # rows
_KNOWN = 1_000  # folders whose ids are remembered
COPY = 1024**2  # bytes at a time

GzipFile: Any = igzip.IGzipFile  # it knows no types

Kind = Literal[
    "file", "directory", "symlink", "hardlink", "device", "fifo", "attributes", "trailing", "other"
]

_TABLES = """
CREATE TABLE about (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE folder (
    id INTEGER PRIMARY KEY, parent INTEGER NOT NULL, name TEXT NOT NULL, UNIQUE (parent, name)
);
CREATE TABLE entry (
    number INTEGER, path TEXT NOT NULL, kind TEXT NOT NULL, size INTEGER NOT NULL,
    mode INTEGER NOT NULL, modified INTEGER NOT NULL, offset INTEGER NOT NULL, link TEXT,
    depth INTEGER NOT NULL, folder INTEGER NOT NULL, name TEXT NOT NULL
);
CREATE TABLE finding (member TEXT NOT NULL, number INTEGER, result TEXT NOT NULL, detail TEXT NOT NULL);
"""
_INDEXES = """
CREATE INDEX entry_in_folder ON entry (folder, name);
CREATE INDEX entry_number ON entry (number);
"""


class Entry(NamedTuple):
    """One thing in a bundle.

    ``number`` is that of the bundle's own entry it is or lies in, from 0 in the order of the tar;
    what follows the end of the tar has none. ``path`` is for display; one in a nested archive
    reads ``outer.tgz!/inner``. ``size`` in bytes of content, ``modified`` in seconds since the
    epoch (0: unknown). ``offset`` is where the content begins within the bundle's expanded bytes,
    -1 in a nested archive. ``depth`` is how many archives deep it lies, 0 for the bundle's own.
    """

    number: int | None
    path: str
    kind: Kind
    size: int
    mode: int
    modified: int
    offset: int
    link: str | None
    depth: int


class MemberTable:
    """Writes one. Any thread may add; whoever made it closes it.

    A disk that is full, or a table that grows beyond MOST_BYTES, never disturbs the scan: from
    then on the table is ``lost`` and takes in nothing more.
    """

    def __init__(self, path: Path) -> None:
        """``path`` names a file that is not there yet."""
        self._path = path
        self._lock = Lock()
        self._open()

    def add(self, entry: Entry) -> None:
        """Take in an entry."""
        self._entries.append(entry)  # all else can wait for more of them
        if len(self._entries) >= _BATCH:
            with self._lock, _Losing(self):
                self._flush()

    def finding(self, member: str, entry_number: int | None, result: str, detail: str) -> None:
        """Take in what was found in the entry ``entry_number``, or in something within it."""
        with self._lock, _Losing(self):
            if self.lost is None:
                row = (member, entry_number, str(result), detail)
                self._database.execute("INSERT INTO finding VALUES (?, ?, ?, ?)", row)

    def restart(self) -> None:
        """Forget everything: the bundle is read again from its beginning."""
        with self._lock:
            self._database.close()
            self._path.unlink(missing_ok=True)
            self._open()

    def close(self, of: str, **about: str) -> None:
        """Finish the file, which is then of the bytes named ``of``; ``about`` says more of them."""
        with self._lock, _Losing(self):
            if self.lost is None:
                self._flush()
                rows = {"schema": str(SCHEMA), "of": of, **about}.items()
                self._database.executemany("INSERT INTO about VALUES (?, ?)", rows)
                self._database.execute("COMMIT")
                self._database.executescript(_INDEXES)
        self.discard()

    def discard(self) -> None:
        """Let go of the file, finished or not."""
        self._database.close()

    def compress(self, target: BinaryIO) -> None:
        """Write the finished file to ``target`` as it is kept. Raises OSError."""
        with (
            self._path.open("rb") as source,
            cast("BinaryIO", GzipFile(fileobj=target, mode="wb", compresslevel=1)) as packed,
        ):
            while data := source.read(COPY):
                packed.write(data)

    def _open(self) -> None:
        self.lost: str | None = None  # why
        self._database = sqlite3.connect(self._path, isolation_level=None, check_same_thread=False)
        self._entries: list[Entry] = []
        self._known: dict[str, tuple[int, str]] = {}
        self._ids: dict[tuple[int, str], int] = {}
        with _Losing(self):
            self._prepare()

    def _prepare(self) -> None:
        # Nobody reads it before it is whole, so it needs no journal.
        setting = f"page_size = {_PAGE}", f"max_page_count = {MOST_BYTES // _PAGE}", "cache_size = -4096"
        for pragma in (*setting, "journal_mode = OFF", "synchronous = OFF", "locking_mode = EXCLUSIVE"):
            self._database.execute(f"PRAGMA {pragma}")
        self._database.executescript(_TABLES)
        self._database.execute("BEGIN")

    def _flush(self) -> None:
        entries, self._entries = self._entries, []
        if self.lost is not None:
            return
        rows = [(*entry, *self._place(entry)) for entry in entries]
        marks = ", ".join("?" * 11)
        self._database.executemany(f"INSERT INTO entry VALUES ({marks})", rows)  # noqa: S608  # nosec B608

    def _place(self, entry: Entry) -> tuple[int, str]:
        """Return the id of the folder that the entry lies in, and its name there."""
        head, _, name = entry.path.rstrip("/").rpartition("/")
        if name in {"", "."}:  # such as the "./" that many archives begin with
            *parents, name = parts_of(head) or ["."]
            head = "/".join(parents)
        known = self._known.get(head)
        if known is None:
            if len(self._known) >= _KNOWN:
                self._known.clear()
            known = self._known[head] = self._folder(parts_of(head))
        folder, begun = known
        if entry.kind == "directory" and not begun and name != ".":
            self._make(folder, name)
        return folder, begun + name

    def _folder(self, parts: list[str]) -> tuple[int, str]:
        """Return the folder's id, and with what a name in it begins if it lies too deep."""
        folder = ROOT
        for name in parts[:MOST_LEVELS]:
            folder = self._make(folder, name)
        return folder, "".join(f"{name}/" for name in parts[MOST_LEVELS:])

    def _make(self, parent: int, name: str) -> int:
        found = self._ids.get((parent, name)) or child(self._database, parent, name)
        if found is None:
            row = (parent, name)
            found = self._database.execute("INSERT INTO folder (parent, name) VALUES (?, ?)", row).lastrowid
        if len(self._ids) >= _KNOWN:
            self._ids.clear()
        self._ids[parent, name] = found or ROOT
        return found or ROOT


class _Losing:
    """Turns what SQLite cannot do into the loss of the table."""

    def __init__(self, table: MemberTable) -> None:
        self._table = table

    def __enter__(self) -> None:
        pass

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        if isinstance(error, (sqlite3.Error, OverflowError)):
            self._table.lost = str(error)
            return True
        return False


def child(database: sqlite3.Connection, parent: int, name: str) -> int | None:
    """Return the id of a folder within a folder."""
    row = database.execute("SELECT id FROM folder WHERE parent = ? AND name = ?", (parent, name)).fetchone()
    return row[0] if row else None


def parts_of(path: str) -> list[str]:
    """Return the names that a path consists of."""
    return [part for part in path.split("/") if part not in {"", "."}]
