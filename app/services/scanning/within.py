"""Where a member lies: in the bundle, or in which archive of it."""

from collections.abc import Iterator
from dataclasses import dataclass

from app.bundle.errors import DamagedBundleError, MalformedBundleError
from app.bundle.nested import WITHIN
from app.bundle.shard import Part
from app.bundle.tar import Member
from app.services.scanning.tally import quoted

# The number of an entry; for one in an archive, that of the archive and its number in there, and so on.
Place = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Within:
    """In which archive of the bundle a member lies; as it is, in none."""

    path: str = ""  # with WITHIN at its end
    place: Place = ()
    entry: int | None = None

    @property
    def depth(self) -> int:
        """How many archives deep that is."""
        return len(self.place)

    def part(self, member: Member) -> Part:
        """Describe a member. Those of nested archives count by their bytes alone."""
        own = not self.depth
        return Part(self.path + member.name, member.number if own else self.entry, int(own and member.entry))

    def deeper(self, member: Member, part: Part) -> "Within":
        """Step into the archive that a member is."""
        return Within(part.name + WITHIN, self.place_of(member), part.entry)

    def place_of(self, member: Member) -> Place:
        """Return where a member lies, the same in every pass."""
        return (*self.place, member.number or 0)


class Counted(Iterator[bytes]):
    """Chunks, and how many bytes of them were taken."""

    __slots__ = ("_chunks", "size")

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self.size = 0
        self._chunks = chunks

    def __next__(self) -> bytes:
        chunk = next(self._chunks)
        self.size += len(chunk)
        return chunk


def doubt_about(part: Part, error: DamagedBundleError | MalformedBundleError) -> str | None:
    """Say why an archive within the bundle proves nothing even if the scanner finds nothing in it.

    What was only cut off, as logs often are, or whose compressed data breaks off, is the same for
    every reader up to there. Else one may see what another does not.
    """
    if isinstance(error, DamagedBundleError) and error.agreed:
        return None
    return f"In {quoted(part.name)}: {error.reason}"
