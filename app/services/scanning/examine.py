"""The proof: every byte of a bundle's members through the scanner, in one pass."""

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from itertools import chain
from typing import BinaryIO

from app.bundle.budget import Budget
from app.bundle.content import GZIP, kind_of, problem_of
from app.bundle.errors import BundleError, DamagedBundleError, MalformedBundleError
from app.bundle.header import BLOCK
from app.bundle.shard import Shard
from app.bundle.stream import BundleStream
from app.bundle.tar import Member
from app.domain.verdict import Engine, ScanReport, StreamResult, StreamVerdict, Verdict
from app.ports import Scanner
from app.services.scanning.lanes import Feed, Lanes, windows
from app.services.scanning.tally import Tally, quoted

MIB = 1024**2
ALONE = MIB  # bytes from which a member is worth a scan of its own
# Large enough that an engine's cost per scan vanishes, small enough that the shards of all
# lanes fit into memory and a bundle of small files still keeps every lane busy.
SHARD_BYTES = 3 * MIB
SHARD_MEMBERS = 1_000
WINDOW = 1_900 * MIB  # ClamAV looks at no more than 2,000 MiB of one stream (DESIGN 4)
OVERLAP = 4 * MIB
DEPTH = 4  # of archives within archives that are opened here
PASSES = 2


def examine(scanner: Scanner, source: BinaryIO, *, budget: Budget, connections: int) -> ScanReport:
    """Read a stored bundle once from its beginning and return what the scanner says of it.

    ``source`` is seekable; ``connections`` scans run side by side. CLEAN means that every entry
    was read, and that every byte of content was answered for with "clean". A scanner's failure
    on some stream is worth a second pass. The engine named is the one before the scan: if newer
    signatures are loaded meanwhile, nothing is claimed for them.

    Raises:
        ScannerUnavailableError: the scanner is away; nothing is known about the bundle.
        OSError: the store failed.
    """
    engine = scanner.engine()
    for _ in range(PASSES):
        source.seek(0)
        one_pass = _Pass(scanner, BundleStream(source, budget))
        report = one_pass.run(engine, connections)
        if report.verdict is Verdict.INFECTED or not one_pass.failed:
            break
    return report


class _Pass:
    def __init__(self, scanner: Scanner, bundle: BundleStream) -> None:
        self._scanner = scanner
        self._bundle = bundle
        self._tally = Tally()
        self._shard = Shard()
        self._members = 0
        self._expanded = 0

    @property
    def failed(self) -> bool:
        return self._tally.failed

    def run(self, engine: Engine, connections: int) -> ScanReport:
        broken = None
        with Lanes(connections) as lanes:
            try:
                for member in self._bundle:
                    self._take(member, lanes)
                    if self._tally.settled:
                        break
            except BundleError as error:
                broken = error.reason
            self._flush(lanes)
            lanes.join()
        self._bundle.read_rest()
        return self._report(engine, broken)

    def _take(self, member: Member, lanes: Lanes, depth: int = 0) -> None:
        """Send one entry on its way. Those of nested archives count by their bytes alone."""
        entries = 0 if depth or not member.entry else 1
        self._members += entries
        if member.sparse:
            self._tally.doubt(
                f"{quoted(member.name)} is stored without its empty parts, so its scan would not be of what "
                "it unpacks to. Pack it without --sparse."
            )
        if member.size == 0:
            self._tally.clean(entries, 0)
        elif member.size is None or member.size >= ALONE:
            self._stream(member, self._counted(member.content), entries, lanes)
        else:
            data = b"".join(member.content)
            self._expanded += len(
                data
            )  # once all is here: of a nested archive cut off, the engine sees the rest
            if depth < DEPTH and self._open(member.name, data, lanes, depth + 1):
                self._tally.clean(entries, len(data))
            else:
                self._pack(member.name, data, entries, lanes)

    def _open(self, name: str, data: bytes, lanes: Lanes, depth: int) -> bool:
        """Take the entries of a .tgz within the archive; False if it is none, or not a sound one.

        The engine can do that too, in one thread, and some bundles hold thousands of files so.
        """
        if not data.startswith(GZIP) or problem_of(data):
            return False
        try:
            for member in self._bundle.nested(data):
                self._take(replace(member, name=f"{name}/{member.name}"), lanes, depth)
        except (DamagedBundleError, MalformedBundleError):
            return False  # the engine sees it as it is
        return True

    def _pack(self, name: str, data: bytes, entries: int, lanes: Lanes) -> None:
        self._shard.add(name, data, entries)
        if self._shard.packed >= SHARD_BYTES or len(self._shard) >= SHARD_MEMBERS:
            self._flush(lanes)

    def _counted(self, content: Iterator[bytes]) -> Iterator[bytes]:
        for chunk in content:
            self._expanded += len(chunk)
            yield chunk

    def _stream(self, member: Member, content: Iterator[bytes], entries: int, lanes: Lanes) -> None:
        """Scan one member by itself while it is read, in several windows if it is huge."""
        accounted = self._expanded
        if member.size is not None and member.size > WINDOW:
            content = self._refuse_packed(member, content)
        for window in windows(content, WINDOW, OVERLAP):
            feed = Feed()
            lanes.start(partial(self._scan_feed, member.name, entries, feed))
            try:
                for chunk in window:
                    feed.put(chunk)
            finally:
                feed.end(self._expanded - accounted)
            accounted = self._expanded
            entries = 0  # the further windows are of the same entry

    def _refuse_packed(self, member: Member, content: Iterator[bytes]) -> Iterator[bytes]:
        """Call a member in doubt that windows do not prove: an engine must see an archive whole."""
        head = b""
        while len(head) < BLOCK and (chunk := next(content, b"")):
            head += chunk
        if kind := kind_of(head):
            self._tally.doubt(
                f"{quoted(member.name)} is {kind} and too large to be scanned as a whole. Send it by itself."
            )
        return chain((head,), content)

    def _scan_feed(self, name: str, entries: int, feed: Feed) -> None:
        try:
            verdict = self._ask(feed)
        finally:
            feed.give_up()
        if verdict.result is StreamResult.CLEAN:
            self._tally.clean(entries, feed.size)
        else:
            self._tally.bad(name, entries, feed.size, verdict)

    def _flush(self, lanes: Lanes) -> None:
        """Send the small members gathered so far on their way."""
        shard, self._shard = self._shard, Shard()
        if len(shard) and not self._tally.settled:
            lanes.start(partial(self._scan_shard, shard, 0, len(shard)))

    def _scan_shard(self, shard: Shard, first: int, last: int) -> bool:
        """Scan a run of a shard's members, halving it until what is not clean has a name.

        Return whether all were clean.
        """
        if self._tally.settled:
            return False
        count = last - first
        entries, size = shard.weight(first, last)
        verdict = self._ask(shard.tar(first, last) if count > 1 else iter((shard.content(first),)))
        if verdict.result is StreamResult.CLEAN:
            self._tally.clean(entries, size)
            return True
        infected = verdict.result is StreamResult.INFECTED
        failed = verdict.result is StreamResult.ERROR
        if count == 1 or failed or (self._tally.crowded and not infected):
            self._tally.bad(shard.names[first], entries, size, verdict)
            return False
        middle = first + count // 2
        halves = [self._scan_shard(shard, first, middle), self._scan_shard(shard, middle, last)]
        # Each alone is clean, so a limit that all reached together is of no interest. A
        # signature that only shows in their company is.
        if infected and all(halves):
            self._tally.doubt(
                f"The scanner reported {verdict.detail} somewhere near {quoted(shard.names[first])}."
            )
        return all(halves)

    def _ask(self, chunks: Iterator[bytes] | Iterator[memoryview]) -> StreamVerdict:
        verdict = self._scanner.scan(chunks)
        if verdict.result is StreamResult.CLEAN and next(chunks, None) is not None:
            return StreamVerdict(StreamResult.ERROR, "it answered before the end")
        return verdict

    def _report(self, engine: Engine, broken: str | None) -> ScanReport:
        tally = self._tally
        reason = broken or tally.problem
        if not self._members:
            reason = reason or "The archive is empty: no file is in it."
        elif (tally.members, tally.bytes) != (self._members, self._expanded):
            reason = reason or "The scan did not cover the whole archive."
        verdict = Verdict.UNSCANNABLE if reason else Verdict.CLEAN
        if tally.findings:
            verdict, reason = Verdict.INFECTED, None
        return ScanReport(
            verdict=verdict,
            engine=engine,
            sha256=self._bundle.sha256,
            size=self._bundle.size,
            reason=reason,
            findings=tuple(sorted(tally.findings, key=lambda finding: finding.member)),
            members_total=self._members,
            members_scanned=tally.members,
            bytes_expanded=self._expanded,
            bytes_scanned=tally.bytes,
            seconds=self._bundle.seconds,
        )
