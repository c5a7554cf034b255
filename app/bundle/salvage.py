"""All but the infected members of a bundle, as a new plain tar that is made while it is read."""

import re
from collections.abc import Iterator, Mapping
from typing import BinaryIO

from app.bundle.budget import Budget
from app.bundle.errors import MalformedBundleError
from app.bundle.pack import DIRECTORY, END, FILE, HARD_LINK, SYMBOLIC_LINK, entry_header, padding
from app.bundle.stream import BundleStream
from app.bundle.tar import Member

NOTE = "LEFT-OUT.txt"
_GATHERED = 256 * 1024  # bytes
_MOST_LINES = 1_000  # of the note, besides those on what is infected
_MOST_LOST = 10_000  # names of left-out files that are remembered
_DRIVE = re.compile(r"[A-Za-z]:")
_NO_KIND = {
    "device": "a device",
    "fifo": "a named pipe",
    "other": "no file, folder or link",
}


def salvage(source: BinaryIO, leave_out: Mapping[int, str], *, budget: Budget) -> Iterator[bytes]:
    """Yield a tar of what lies in the stored bundle, without the entries whose numbers are in ``leave_out``.

    ``source`` stands at its beginning; ``leave_out`` gives each number the signature. Headers are
    made anew from what is shown of an entry, so nothing goes with it that was not scanned.
    Names stay below the folder that the tar is unpacked in. Left out besides are devices, pipes,
    links that lead up or away, and hard links to what is left out. The last file, NOTE, says what
    was left out and why.

    The last chunk is the end of the archive and nothing else, and comes after everything was read
    and found right: whoever withholds it sends an archive that is plainly cut off.

    Raises:
        BundleError: the stored bytes are not what was scanned.
        OSError: the store failed.
    """
    yield from _gathered(_Salvage(source, leave_out, budget).entries())
    yield END


class _Salvage:
    def __init__(self, source: BinaryIO, leave_out: Mapping[int, str], budget: Budget) -> None:
        self._bundle = BundleStream(source, budget)
        self._leave_out = leave_out
        self._infected: dict[int, str] = {}  # number: line
        self._lines: list[str] = []
        self._more = 0
        self._lost: set[int] = set()  # hashes of the names of left-out files

    def entries(self) -> Iterator[bytes]:
        for member in self._bundle:
            if not member.entry:
                continue  # attributes, which stay behind; after the end nothing may lie
            name = _safe(member.name) or f"unnamed-{member.number}"
            if why := self._why_not(member):
                self._note(member, why)
                self._lose(name, lost=True)
            else:
                self._lose(name, lost=False)
                yield from _entry(member, name)
        if missing := self._leave_out.keys() - self._infected.keys():
            raise MalformedBundleError(self._bundle.size, f"it has no entry number {min(missing):,}")
        note = self._text().encode()
        yield entry_header(NOTE, FILE, size=len(note)) + note + padding(len(note))

    def _why_not(self, member: Member) -> str | None:
        """Return why the member is left out, None if it is not."""
        if (signature := self._signature(member)) is not None:
            return f"infected: {signature}"
        if member.kind in _NO_KIND:
            return _NO_KIND[member.kind]
        if member.sparse:
            return "stored without its empty parts"
        if member.kind == "symlink" and not _leads_down(member.link or ""):
            return f"a link to {member.link}, which may lie elsewhere"
        if member.kind == "hardlink" and self._is_lost(_safe(member.link or "")):
            return f"a second name of {member.link}"
        return None

    def _signature(self, member: Member) -> str | None:
        return None if member.number is None else self._leave_out.get(member.number)

    def _lose(self, name: str, *, lost: bool) -> None:
        """Remember whether the latest entry of that name was left out."""
        if not lost:
            self._lost.discard(hash(name))
        elif len(self._lost) <= _MOST_LOST:
            self._lost.add(hash(name))

    def _is_lost(self, name: str) -> bool:
        return not name or len(self._lost) > _MOST_LOST or hash(name) in self._lost

    def _note(self, member: Member, why: str) -> None:
        line = f"{member.name}: {why}"
        if self._signature(member) is not None:
            self._infected[member.number or 0] = line
        elif len(self._lines) < _MOST_LINES:
            self._lines.append(line)
        else:
            self._more += 1

    def _text(self) -> str:
        lines = ["Left out of this archive because the virus scanner found something in it:", ""]
        lines += self._infected.values()
        if self._lines:
            lines += ["", "Left out besides, because it is neither a file nor a folder:", "", *self._lines]
        if self._more:
            lines += [f"... and {self._more:,} more"]
        return "\n".join([*lines, ""])


def _entry(member: Member, name: str) -> Iterator[bytes]:
    modified = max(0, member.modified)
    if member.kind == "directory":
        if _safe(member.name):  # not the folder that everything is unpacked in
            mode = member.mode & 0o777 | 0o700
            yield entry_header(f"{name}/", DIRECTORY, mode=mode, modified=modified)
    elif member.kind == "symlink":
        yield entry_header(name, SYMBOLIC_LINK, mode=0o777, modified=modified, link=member.link or "")
    elif member.kind == "hardlink":
        yield entry_header(name, HARD_LINK, modified=modified, link=_safe(member.link or ""))
    else:
        size = member.size or 0
        mode = member.mode & 0o777 | 0o600
        yield entry_header(name, FILE, size=size, mode=mode, modified=modified)
        yield from member.content
        yield padding(size)


def _safe(name: str) -> str:
    """Return the name as a path that leads down from where it is unpacked; "" for that place itself."""
    parts = [part for part in name.replace("\\", "_").split("/") if part not in {"", "."}]
    path = "/".join("__" if part == ".." else part for part in parts)
    own = path.partition("/")[0].casefold() == NOTE.casefold() or _DRIVE.match(path)
    return f"_{path}" if own else path


def _leads_down(link: str) -> bool:
    """Tell whether a link's target lies below the folder that the link is in.

    Links that lead only down cannot be chained to lead out, as those with ".." in them can.
    """
    absolute = link.startswith("/") or "\\" in link or _DRIVE.match(link)
    return bool(link) and not absolute and ".." not in link.split("/")


def _gathered(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """Join small chunks."""
    held: list[bytes] = []
    size = 0
    for chunk in chunks:
        held.append(chunk)
        size += len(chunk)
        if size >= _GATHERED:
            yield b"".join(held)
            held, size = [], 0
    if held:
        yield b"".join(held)
