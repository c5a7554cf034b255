"""Contents on their way to the scanner: small ones together, large ones by themselves."""

from collections.abc import Iterator
from functools import partial
from hashlib import sha256
from threading import Lock

from app.bundle.content import kind_of
from app.bundle.shard import Part, Shard
from app.domain.verdict import Obstacle, StreamResult, StreamVerdict
from app.ports import Scanner
from app.services.scanning.lanes import Feed, Lanes, windows
from app.services.scanning.tally import Tally, quoted

MIB = 1024**2
# Large enough that an engine's cost per scan vanishes, small enough that the shards of all
# lanes fit into memory and a bundle of small files still keeps every lane busy.
SHARD_BYTES = 3 * MIB
SHARD_MEMBERS = 1_000
SHARD_PARTS = 4 * SHARD_MEMBERS  # with those of equal content
WINDOW = 1_900 * MIB  # ClamAV looks at no more than 2,000 MiB of one stream (DESIGN 4)
OVERLAP = 4 * MIB
MOST_KNOWN = 100_000  # contents remembered as clean, at about 100 bytes each


class Sender:
    """One reader's way to the scanner. What is said goes into the tally."""

    def __init__(self, scanner: Scanner, tally: Tally, lanes: Lanes) -> None:
        self._scanner = scanner
        self._tally = tally
        self._lanes = lanes
        self._shard = Shard()
        # The engine says the same of the same bytes, and much in a diagnostics bundle is "0\n".
        self._known: set[bytes] = set()
        self._lock = Lock()

    def pack(self, part: Part, data: bytes) -> None:
        """Scan a small content, soon."""
        self._tally.bytes_total += len(data)
        digest = sha256(data).digest()
        if digest in self._known:
            self._tally.clean(part.entries, len(data))
            return
        self._shard.add(part, data, digest)
        shard = self._shard
        if shard.packed >= SHARD_BYTES or len(shard) >= SHARD_MEMBERS or shard.count >= SHARD_PARTS:
            self.flush()

    def flush(self) -> None:
        """Send the small contents gathered so far on their way."""
        shard, self._shard = self._shard, Shard()
        if len(shard) and not self._tally.settled:
            self._lanes.start(partial(self._scan_shard, shard))

    def stream(self, part: Part, content: Iterator[bytes], head: bytes) -> None:
        """Scan one content by itself while it is read, in several windows if it is huge.

        ``head`` is the first bytes of it. Raises what reading the content raises.
        """
        counted = self._tally.bytes_total
        for number, window in enumerate(windows(self._counted(content), WINDOW, OVERLAP)):
            if number == 1:
                self._note_windows(part, head)
                part = part._replace(entries=0)  # the further windows are of the same entry
            feed = Feed()
            self._lanes.start(partial(self._scan_feed, part, feed))
            try:
                for chunk in window:
                    feed.put(chunk)
            finally:
                feed.end(self._tally.bytes_total - counted)
            counted = self._tally.bytes_total

    def _counted(self, content: Iterator[bytes]) -> Iterator[bytes]:
        for chunk in content:
            self._tally.bytes_total += len(chunk)
            yield chunk

    def _note_windows(self, part: Part, head: bytes) -> None:
        self._tally.windowed += 1
        if kind := kind_of(head):  # an engine must see an archive whole
            sentence = (
                f"{quoted(part.name)} is {kind} and too large to be scanned as a whole. Send it by itself."
            )
            self._tally.doubt(Obstacle.TOO_LARGE, sentence)

    def _scan_feed(self, part: Part, feed: Feed) -> None:
        try:
            verdict = self._ask(feed)
        finally:
            feed.give_up()
        if verdict.result is StreamResult.CLEAN:
            self._tally.clean(part.entries, feed.size)
        else:
            self._tally.bad(part, feed.size, verdict)

    def _scan_shard(self, shard: Shard) -> None:
        if self._scan_run(shard, 0, len(shard)):
            with self._lock:
                if len(self._known) < MOST_KNOWN:
                    self._known.update(shard.digests)

    def _scan_run(self, shard: Shard, first: int, last: int) -> bool:
        """Scan a run of a shard's contents, halving it until what is not clean has a name.

        Return whether all were clean.
        """
        if self._tally.settled:
            return False
        count = last - first
        verdict = self._ask(shard.archive(first, last) if count > 1 else iter((shard.content(first),)))
        if verdict.result is StreamResult.CLEAN:
            self._tally.clean(*shard.weight(first, last))
            return True
        infected = verdict.result is StreamResult.INFECTED
        failed = verdict.result is StreamResult.ERROR
        if count == 1 or failed or (self._tally.crowded and not infected):
            for part in shard.parts[first]:
                self._tally.bad(part, shard.size(first), verdict)
            return False
        middle = first + count // 2
        halves = [self._scan_run(shard, first, middle), self._scan_run(shard, middle, last)]
        # Each alone is clean, so a limit that all reached together is of no interest. A
        # signature that only shows in their company is.
        if infected and all(halves):
            near = quoted(shard.parts[first][0].name)
            self._tally.doubt(
                Obstacle.NOT_COVERED, f"The scanner reported {verdict.detail} somewhere near {near}."
            )
        return all(halves)

    def _ask(self, chunks: Iterator[bytes] | Iterator[memoryview]) -> StreamVerdict:
        verdict = self._scanner.scan(chunks)
        if verdict.result is StreamResult.CLEAN and next(chunks, None) is not None:
            return StreamVerdict(StreamResult.ERROR, "it answered before the end")
        return verdict
