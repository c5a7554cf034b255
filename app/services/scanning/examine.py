"""The proof: every byte of a bundle's members through the scanner, in one pass."""

import time
from collections.abc import Collection, Iterator, Mapping
from itertools import chain
from typing import BinaryIO

from app.bundle.budget import Budget
from app.bundle.content import HEAD as KIND
from app.bundle.errors import BundleError, DamagedBundleError, MalformedBundleError, OverBudgetError
from app.bundle.nested import opens, upto
from app.bundle.shard import Part
from app.bundle.stream import BundleStream
from app.bundle.table import Entry
from app.bundle.tar import Member
from app.domain.verdict import Engine, Finding, Obstacle, ScanReport, Verdict
from app.ports import Scanner
from app.services.scanning.lanes import Lanes
from app.services.scanning.sending import MIB, Sender
from app.services.scanning.tally import Table, Tally, quoted
from app.services.scanning.within import Counted, Place, Within, doubt_about

ALONE = MIB  # bytes from which a member is worth a scan of its own
HELD = 8 * MIB  # of a nested archive that is kept until it has proven sound
PASSES = 3


def examine(
    scanner: Scanner, source: BinaryIO, *, budget: Budget, connections: int, table: Table | None = None
) -> ScanReport:
    """Read a stored bundle once from its beginning and return what the scanner says of it.

    ``source`` is seekable; ``connections`` scans run side by side; ``table`` is told of every
    entry. CLEAN means that every entry was read, and that every byte of content was answered for
    with "clean". Gzip and tar within the bundle are opened here, so that their contents are
    scanned like its own. The engine named is the one before the scan: if newer signatures are
    loaded meanwhile, nothing is claimed for them.

    Rarely a further pass follows: when the scanner failed on some stream, and when a large
    archive within the bundle turned out unsound, which the scanner then gets as it is. What was
    found stays found. The budget's seconds are for all of them.

    Raises:
        ScannerUnavailableError: the scanner is away; nothing is known about the bundle.
        OSError: the store failed.
    """
    engine = scanner.engine()
    started = time.monotonic()
    unsound: dict[Place, str | None] = {}
    findings: Collection[Finding] = ()
    doubts: Mapping[str, Obstacle] = {}
    for _ in range(PASSES):
        source.seek(0)
        if table:
            table.restart()
        bundle = BundleStream(source, budget, started)
        one_pass = _Pass(scanner, bundle, Tally(table, findings, doubts), table, unsound)
        report = one_pass.run(engine, connections)
        findings, doubts = report.findings, one_pass.doubts
        if not one_pass.worth_another:
            break
        unsound |= one_pass.unsound
    return report


class _Pass:
    def __init__(
        self,
        scanner: Scanner,
        bundle: BundleStream,
        tally: Tally,
        table: Table | None,
        left: Mapping[Place, str | None],
    ) -> None:
        """``left`` are the large archives for the scanner to open, with what is doubtful about them."""
        self.unsound: dict[Place, str | None] = {}  # and these should have been among them
        self._scanner = scanner
        self._bundle = bundle
        self._tally = tally
        self._table = table
        self._left = left
        self._broken: BundleError | None = None

    @property
    def doubts(self) -> Mapping[str, Obstacle]:
        return self._tally.doubts

    @property
    def worth_another(self) -> bool:
        if self._tally.full or isinstance(self._broken, OverBudgetError):
            return False
        return bool(self.unsound) or (self._tally.failed and not self._tally.findings)

    def run(self, engine: Engine, connections: int) -> ScanReport:
        with Lanes(connections) as lanes:
            sender = Sender(self._scanner, self._tally, lanes)
            try:
                for member in self._bundle:
                    self._take(member, Within(), sender)
                    if self._tally.settled:
                        break
            except BundleError as error:
                self._broken = error
            sender.flush()
            lanes.join()
        self._bundle.read_rest()
        return self._report(engine)

    def _take(self, member: Member, within: Within, sender: Sender) -> None:
        """Send one entry on its way."""
        part = within.part(member)
        self._tally.members_total += part.entries
        if member.size is not None:
            self._tell(member, part, within, member.size)
        if member.sparse:
            self._tally.doubt(
                Obstacle.MALFORMED,
                f"{quoted(part.name)} is stored without its empty parts, so its scan would not be of what "
                "it unpacks to. Pack it without --sparse.",
            )
        data = self._first(part, member.content, sender)
        rest = Counted(member.content)
        if not data:
            self._tally.clean(part.entries, 0)
        elif self._ours(member, data, within):
            self._open(member, part, data, rest, within, sender)
        else:
            self._send(part, data, rest, sender)
        if member.size is None:
            self._tell(member, part, within, len(data) + rest.size)

    def _first(self, part: Part, content: Iterator[bytes], sender: Sender) -> bytes:
        """Return the content up to ALONE. Where an archive breaks off, readers keep what came so far."""
        parts: list[bytes] = []
        held = 0
        try:
            while held < ALONE and (chunk := next(content, b"")):
                parts.append(chunk)
                held += len(chunk)
        except BundleError:
            if parts:
                sender.pack(part._replace(entries=0), b"".join(parts))
            raise
        return b"".join(parts)

    def _ours(self, member: Member, data: bytes, within: Within) -> bool:
        """Whether it is an archive to open here."""
        if not member.entry or not opens(data):
            return False
        if within.depth >= self._bundle.budget.depth:
            self._tally.doubt(
                Obstacle.TOO_DEEP,
                f"{quoted(within.part(member).name)} holds archives within archives, too many "
                "levels deep. Send it by itself.",
            )
            return False
        place = within.place_of(member)
        if place not in self._left:
            return True
        if doubt := self._left[place]:
            self._tally.doubt(Obstacle.MALFORMED, doubt)
        return False

    def _open(
        self, member: Member, part: Part, data: bytes, rest: Counted, within: Within, sender: Sender
    ) -> None:
        """Take the entries of an archive within the bundle, and itself as well if it is not sound.

        The engine can open archives too, but in one thread, within limits, and it tells no names.
        """
        if len(data) >= ALONE:
            data += upto(rest, HELD - len(data))
        size = len(data) - rest.size
        nested = self._bundle.nested(part.name, data, rest)
        deeper = within.deeper(member, part)
        try:
            for inner in nested:
                self._take(inner, deeper, sender)
                if self._tally.settled:
                    return
        except (DamagedBundleError, MalformedBundleError) as error:
            if nested.failed_outside:
                raise
            doubt = doubt_about(part, error)
            if len(data) >= HELD:
                self.unsound[within.place_of(member)] = doubt
                return
            if doubt:
                self._tally.doubt(Obstacle.MALFORMED, doubt)
            self._send(part, data, rest, sender)
        else:
            self._tally.bytes_total += size + rest.size
            self._tally.clean(part.entries, size + rest.size)

    def _send(self, part: Part, data: bytes, rest: Iterator[bytes], sender: Sender) -> None:
        if len(data) < ALONE:
            sender.pack(part, data)
        else:
            sender.stream(part, chain((data,), rest), data[:KIND])

    def _tell(self, member: Member, part: Part, within: Within, size: int) -> None:
        if self._table:
            entry = Entry(
                number=part.entry,
                path=part.name,
                kind=member.kind,
                size=size,
                mode=member.mode,
                modified=member.modified,
                offset=-1 if within.depth else member.offset,
                link=member.link,
                depth=within.depth,
            )
            self._table.add(entry)

    def _report(self, engine: Engine) -> ScanReport:
        tally = self._tally
        why, obstacle = self._problem()
        verdict = Verdict.INFECTED if tally.findings else Verdict.UNSCANNABLE if why else Verdict.CLEAN
        return ScanReport(
            verdict=verdict,
            engine=engine,
            sha256=self._bundle.sha256,
            size=self._bundle.size,
            reason=None if tally.findings else why,
            obstacle=None if tally.findings else obstacle,
            findings=tuple(sorted(tally.findings, key=lambda finding: finding.member)),
            members_total=tally.members_total,
            members_scanned=tally.members,
            bytes_expanded=tally.bytes_total,
            bytes_scanned=tally.bytes,
            windowed=tally.windowed,
            complete=not why and not tally.full,
            seconds=self._bundle.seconds,
        )

    def _problem(self) -> tuple[str | None, Obstacle | None]:
        """Why the bundle is not proven clean, for people and for programs."""
        tally = self._tally
        if self._broken:
            return self._broken.reason, self._broken.obstacle
        if tally.problem:
            return tally.problem, tally.obstacle
        if self.unsound:
            return "The scan did not cover the whole archive.", Obstacle.NOT_COVERED
        if not tally.members_total:
            return "The archive is empty: no file is in it.", Obstacle.MALFORMED
        if not tally.covered:
            return "The scan did not cover the whole archive.", Obstacle.NOT_COVERED
        return None, None
