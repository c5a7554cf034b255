"""Parts of a file straight to S3, at addresses that the portal signs (docs/direct-uploads.md)."""

import hashlib
import json
import sys
from base64 import b64encode
from concurrent.futures import wait
from contextlib import suppress
from threading import Lock

# No file of ours is longer than 250 lines, and people should carry one: the portal serves diagport.py with
# this put in before its last lines, less the next one (app/web/portal/from_server.py).
from diagport import DIGEST, LARGE, NETWORK, SendError, Sending

DIRECT = "/api/v1/direct"
PIECE = 256 << 10  # bytes that go out at once: the time limit of a request counts for each
BUSY = 429  # from this status on, patience helps


class Direct(Sending):
    """One file on its way to S3; or through tus, where the portal or the line does not let it there."""

    def __init__(self, path, args):
        super().__init__(path, args)
        self.memo = self.memo.with_suffix(".direct")  # whoever knows only tus must not go on with it
        self.changed, self.place, self.sums, self.noting = self.path.stat().st_mtime_ns, "", {}, Lock()

    def tell(self, path, document):
        return self.ask("POST", path, {"Content-Type": "application/json"}, json.dumps(document).encode())

    def offered(self):
        """Whether the portal takes uploads so. It says that before it misses the size."""
        try:
            self.tell(DIRECT, {})
        except SendError as trouble:
            if trouble.status not in (400, 404, 405, 409):
                raise
            return trouble.status == 400
        return False

    def begin(self):
        """Begin, and see whether the first part gets through; otherwise begin with tus."""
        self.failed = None  # that was what an earlier run began
        if not self.persist(self.offered):
            return super().begin()
        if self.size > LARGE:
            self.say("Computing its SHA-256, which is announced first.")
        about = {"filename": self.path.name, "size": self.size, "sha256": self.hashing.result()[0]}
        about.update(case=self.args.case, note=self.args.note)
        answer, plan = self.persist(self.tell, DIRECT, about)
        self.place, self.sums = answer["Location"], {}
        self.note()
        try:
            self.side_by_side([(self.part, plan, 1)])
        except SendError as trouble:
            if trouble.status < BUSY:  # firewalls, for example, that let nobody but the portal through
                self.say(f"{trouble} It goes through the portal instead.")
                with suppress(SendError):
                    self.ask("DELETE", self.place)
                self.at = {}
                return super().begin()
        return [self.place, self.sums]

    def note(self, **sums):
        """Note the SHA-256 of parts that S3 has; all or nothing of it, whenever we are killed."""
        new = self.memo.with_suffix(".new")
        with self.noting, suppress(OSError):
            self.sums.update(sums)
            self.memo.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            new.write_text(json.dumps([self.place, self.sums]))
            new.replace(self.memo)

    def deliver(self, paths):
        """Send the parts that S3 lacks, side by side; return the document of the whole."""
        if not paths[0].startswith(DIRECT):
            return super().deliver(paths)
        self.place, self.sums = paths
        try:
            return self.round()
        except SendError as trouble:
            if trouble.status != 409:
                raise
            return self.round()  # S3 has lost parts, or another run of ours was faster

    def round(self):
        self.failed, lanes, parts = None, range(1, self.args.connections + 1), []
        plan = self.persist(self.ask, "GET", self.place)[1]
        if plan["state"] == "receiving":
            sent = self.side_by_side([(self.lane, plan, first) for first in lanes])
            parts = [part for lane in sent for part in lane]
            print(end="\n" if self.terminal else "", file=sys.stderr)  # what follows has a line of its own
            status = self.path.stat()
            if (status.st_size, status.st_mtime_ns) != (self.size, self.changed):
                with suppress(SendError):
                    self.ask("DELETE", self.place)
                raise SendError("The file has changed meanwhile.", DIGEST)
        return self.persist(self.tell, self.place + "/complete", {"parts": parts})[1]

    def side_by_side(self, tasks):
        running = [self.pool.submit(*task) for task in tasks]
        while wait(running, 0.3).not_done:
            self.show()
        return [one.result() for one in running]

    def lane(self, plan, first):
        """Send every so many-th part, one after the other."""
        numbers = range(first, plan["part_count"] + 1, self.args.connections)
        return [self.persist(self.part, plan, number) for number in numbers]

    def part(self, plan, number):
        """Send one part, if S3 lacks it; return how the portal is told of it."""
        start, whole = (number - 1) * plan["part_size"], hashlib.sha256()
        size = min(plan["part_size"], self.size - start)
        for piece in self.pieces(start, size):
            whole.update(piece)
        part = {"number": number, "sha256": b64encode(whole.digest()).decode()}
        noted = self.sums.get(str(number))  # S3 need not tell the SHA-256 of what it has
        there = [each["sha256"] or noted for each in plan["arrived"] if each["number"] == number]
        if there != [part["sha256"]]:
            [signed] = self.tell(self.place + "/parts", {"parts": [part]})[1]["parts"]  # anew for each try
            self.put(signed, self.counted(number, self.pieces(start, size)))
            self.note(**{str(number): part["sha256"]})
        self.at[number], self.moves = size, self.moves + 1
        return part

    def put(self, signed, pieces):
        """Send a part to where it was signed for, without our credentials. Raises SendError."""
        # Python would call it a form, which some stores then read and lose.
        kind = {"Content-Type": "application/octet-stream"}
        fields = {**kind, **signed["headers"], "Content-Length": str(signed["size"])}
        try:
            self.ask("PUT", signed["url"], fields, pieces, login=False)
        except SendError as trouble:
            if not trouble.status:
                raise
            # Whatever S3 has against it: bytes that are read again, and signed again, may do.
            status = trouble.status if trouble.status >= BUSY else 0
            raise SendError(f"S3 answers {trouble.status}.", NETWORK, status, trouble.wait or 0) from trouble

    def counted(self, number, pieces):
        self.at[number] = 0
        for piece in pieces:
            yield piece
            self.at[number] += len(piece)

    def pieces(self, start, size):
        for place in range(start, start + size, PIECE):
            if self.failed:
                raise self.failed
            wanted = min(PIECE, start + size - place)
            piece = self.read(place, wanted)
            if len(piece) < wanted:
                raise SendError("The file has become shorter.", DIGEST)
            yield piece


Sending = Direct  # so main() sends
