"""Reading the table of what lies in a bundle; see `app.bundle.table`."""

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from tempfile import NamedTemporaryFile
from types import TracebackType
from typing import BinaryIO, Self

from app.bundle.gunzip import CorruptError
from app.bundle.table import COPY, MOST_LEVELS, ROOT, SCHEMA, Entry, GzipFile, child, parts_of

_COLUMNS = "number, path, kind, size, mode, modified, offset, link, depth"


class StaleTableError(Exception):
    """The table is of other bytes, or of another make, than was asked for."""


@dataclass(frozen=True, slots=True)
class Noted:
    """What the scanner said of ``member``; ``number`` as in `Entry`, None where it is of none."""

    member: str
    number: int | None
    result: str  # a `app.domain.verdict.StreamResult`
    detail: str


class Members:
    """Reads one; a context manager."""

    def __init__(self, source: BinaryIO, *, of: str) -> None:
        """Unpack the table from ``source`` into a temporary file that nobody else can see.

        Raises:
            StaleTableError: it is not of the bytes named ``of``, or of another make.
            OSError: it cannot be read.
        """
        try:
            self._open(source)
        except (sqlite3.Error, EOFError, CorruptError) as error:
            raise OSError(f"the table is damaged: {error}") from error
        if (self.about.get("schema"), self.about.get("of")) != (str(SCHEMA), of):
            self._database.close()
            raise StaleTableError(f"a table of {self.about}, where one of {of} is wanted")

    def _open(self, source: BinaryIO) -> None:
        with NamedTemporaryFile() as file:
            with GzipFile(fileobj=source, mode="rb") as packed:
                while data := packed.read(COPY):
                    file.write(data)
            file.flush()
            self._database = sqlite3.connect(f"file:{file.name}?mode=ro&immutable=1", uri=True)
            #: What the writer said that the table is of.
            self.about: dict[str, str] = dict(self._database.execute("SELECT key, value FROM about"))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._database.close()

    def entries(self) -> Iterator[Entry]:
        """Yield everything, in the order in which it was met."""
        for row in self._database.execute(f"SELECT {_COLUMNS} FROM entry ORDER BY rowid"):  # noqa: S608  # nosec B608
            yield Entry(*row)

    def folders(self, path: str, *, after: str = "", limit: int) -> list[str]:
        """Return the names of the folders in a folder ("": the outermost), in order, behind ``after``."""
        rows = self._database.execute(
            "SELECT name FROM folder WHERE parent = ? AND name > ? ORDER BY name LIMIT ?",
            (self._find(parts_of(path)), after, limit),
        )
        return [name for (name,) in rows]

    def files(self, path: str, *, after: str = "", limit: int) -> list[Entry]:
        """Return what else lies in a folder, by name; of equal names the latest comes last."""
        rows = self._database.execute(
            f"SELECT {_COLUMNS} FROM entry WHERE folder = ? AND name > ?"  # noqa: S608  # nosec B608
            " AND (kind <> 'directory' OR instr(name, '/')) ORDER BY name, rowid LIMIT ?",
            (self._find(parts_of(path)), after, limit),
        )
        return [Entry(*row) for row in rows]

    def find(self, path: str) -> Entry | None:
        """Return the entry at ``path``, the last one if there are more: unpacked, it is what remains."""
        parts = parts_of(path) or ["."]
        levels = min(len(parts) - 1, MOST_LEVELS)
        row = self._database.execute(
            f"SELECT {_COLUMNS} FROM entry WHERE folder = ? AND name = ?"  # noqa: S608  # nosec B608
            " ORDER BY rowid DESC LIMIT 1",
            (self._find(parts[:levels]), "/".join(parts[levels:])),
        ).fetchone()
        return Entry(*row) if row else None

    def findings(self) -> list[Noted]:
        """Return all that was found."""
        return [Noted(*row) for row in self._database.execute("SELECT * FROM finding ORDER BY rowid")]

    def _find(self, parts: list[str]) -> int | None:
        folder: int | None = ROOT
        for name in parts[:MOST_LEVELS]:
            folder = None if folder is None else child(self._database, folder, name)
        return folder
