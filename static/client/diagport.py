#!/usr/bin/env python3
"""Send diagnostics bundles to Diagport, over any line. Needs Python 3.8 and nothing else; see --help."""

import argparse
import hashlib
import json
import netrc
import os
import ssl
import sys
import time
import urllib.request
from base64 import b64encode
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import suppress
from http.client import HTTPException
from pathlib import Path
from urllib.parse import urljoin, urlsplit

PORTAL = ""  # where to send to; the portal that serves this file fills in itself
SENT, USAGE, REFUSED, NETWORK, DIGEST, UNCLEAN = range(6)
LARGE = 64 << 20  # bytes; a larger file goes over several connections
SMALLEST, LARGEST = 256 << 10, 16 << 20  # bytes of a chunk: it grows while the line is good
HELP = """\
credentials: --token-file, --token, --ticket, DIAGPORT_TOKEN, DIAGPORT_TICKET or ~/.netrc, in this order
proxies: HTTP_PROXY, HTTPS_PROXY and NO_PROXY
exit codes, of several files the highest:
  0 sent, and with --wait found clean         3 the network gave up; the same command goes on
  1 wrong usage                               4 what arrived is not what lies here
  2 refused by the portal                     5 with --wait: infected, or needs review
"""


class SendError(Exception):
    """Why something did not work. ``wait``: seconds until it may, or None where trying again is useless."""

    def __init__(self, message, code=NETWORK, status=0, wait=None):
        super().__init__(message)
        self.code, self.status, self.wait = code, status, wait


class Sending:
    """One file on its way. What was begun is noted on disk, and the next run goes on with it."""

    def __init__(self, path, args):
        self.path, self.args, self.login = Path(path).resolve(), args, authorization(args)
        status = self.path.stat()
        self.size, self.at, self.moves, self.failed = status.st_size, {}, 0, None
        self.terminal, self.begun, self.told = sys.stderr.isatty(), None, time.monotonic()
        https = urllib.request.HTTPSHandler(context=ssl.create_default_context(cafile=args.cacert))
        self.opener = urllib.request.build_opener(https)  # it knows about proxies
        said = {"filename": self.path.name, "case": args.case, "note": args.note}
        said = [f"{key} {b64encode(text.encode()).decode()}" for key, text in said.items() if text]
        self.about = {"Upload-Metadata": ",".join(said)}
        key = json.dumps([str(self.path), self.size, status.st_mtime_ns, args.url, said])
        home = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
        self.memo = Path(home, "diagport", hashlib.sha256(key.encode()).hexdigest()[:32])
        self.pool = ThreadPoolExecutor(args.connections + 1)
        self.hashing = self.pool.submit(self.hash)

    def read(self, start, size):
        try:
            with self.path.open("rb") as file:
                file.seek(start)
                return file.read(size)
        except OSError as error:
            raise SendError(f"The file cannot be read any more: {error}.", DIGEST) from error

    def hash(self):
        """Return the SHA-256 of the file, hex and as a header field (RFC 9530)."""
        whole = hashlib.sha256()
        for start in range(0, self.size, 1 << 20):
            whole.update(self.read(start, 1 << 20))
        return whole.hexdigest(), {"Repr-Digest": f"sha-256=:{b64encode(whole.digest()).decode()}:"}

    def ask(self, method, path, fields=(), body=None, login=True):
        """Make one request; return (header fields, JSON). Raises SendError."""
        told, fields = {}, {"Tus-Resumable": "1.0.0", **dict(fields)} if login else fields
        request = urllib.request.Request(urljoin(self.args.url, path), body, fields, method=method)
        if login:
            request.add_unredirected_header("Authorization", self.login)  # for the portal alone
        try:
            with self.opener.open(request, timeout=90) as answer:
                return answer.headers, json.loads(answer.read() or b"{}")
        except urllib.error.HTTPError as error:
            status, reason, later = error.code, error.reason, error.headers.get("Retry-After", "")
            with suppress(OSError, ValueError, HTTPException):
                told = json.loads(error.read())
        except (OSError, ValueError, HTTPException) as error:
            why = getattr(error, "reason", error)
            useless = isinstance(why, ssl.SSLCertVerificationError)
            raise SendError(f"No connection: {why}.", wait=None if useless else 0) from error
        why, code = told.get("detail", f"The portal answers {status} {reason}."), told.get("code")
        if status in (408, 423, 429, 460) or status >= 500 or code == "wrong_offset":
            raise SendError(why, NETWORK, status, int(later) if later.isdigit() else 0)
        raise SendError(why, DIGEST if code == "digest_mismatch" else REFUSED, status)

    def persist(self, step, *given):
        """Return what a step returns, tried again until it works or nothing has moved for too long."""
        pause, moves, until = 1, -1, 0
        while True:
            try:
                return step(*given)
            except SendError as trouble:
                if moves != self.moves:
                    pause, moves, until = 1, self.moves, time.monotonic() + self.args.retry_for
                rest = max(trouble.wait or 0, pause)
                if trouble.wait is None or self.failed or time.monotonic() + rest > until:
                    self.failed = self.failed or trouble  # which ends the other parts, too
                    raise self.failed from trouble
                self.say(f"{trouble} Trying again in {rest} s.")
                time.sleep(rest)
                pause = min(2 * pause, 30)

    def say(self, text, end="\n"):
        print(self.terminal * "\r\x1b[K" + f"{self.path.name}: {text}", end=end, file=sys.stderr, flush=True)

    def show(self):
        """Show how far it is: always on a terminal, every ten seconds elsewhere."""
        now, sent = time.monotonic(), sum(list(self.at.values()))
        self.begun = self.begun or (now, sent)
        speed = (sent - self.begun[1]) / max(now - self.begun[0], 0.1)
        left = f", {(self.size - sent) / speed:.0f} s left" if speed > 0 else ""
        bar = f"[{'#' * (25 * sent // self.size):25}] {100 * sent // self.size}% of {self.size / 1e6:.1f} MB"
        if now - self.told >= (0 if self.terminal else 10):
            self.told = now
            self.say(f"{bar}, {speed / 1e6:.1f} MB/s{left}", end="" if self.terminal else "\n")

    def send(self):
        """Send the file, from where an earlier run left off; return the portal's document of it."""
        paths = []
        with suppress(OSError, ValueError):
            paths = json.loads(self.memo.read_text())
        try:
            upload = self.deliver(paths or self.begin())
        except SendError as trouble:
            if not paths or trouble.status not in (403, 404, 410):
                raise
            upload = self.deliver(self.begin())  # the portal has given up what was begun
        self.memo.unlink(missing_ok=True)
        return upload

    def parts(self, count):
        """Return (first byte, length) of each of so many parts."""
        step = -(-self.size // count)
        return [(start, min(step, self.size - start)) for start in range(0, self.size, step)]

    def begin(self):
        """Begin an upload, or one for each part of a large file; note and return where."""
        self.failed = None  # that was of what was begun before
        offered = self.persist(self.ask, "OPTIONS", "/tus")[0].get("Tus-Extension", "")
        parts = self.parts(self.args.connections if "concatenation" in offered and self.size > LARGE else 1)
        about = self.about if len(parts) == 1 else {"Upload-Concat": "partial"}
        asked = [{**about, "Upload-Length": str(length)} for _, length in parts]
        paths = [self.persist(self.ask, "POST", "/tus", fields)[0]["Location"] for fields in asked]
        with suppress(OSError):  # nowhere to note it: if this is interrupted, it begins anew
            self.memo.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self.memo.write_text(json.dumps(paths))
        return paths

    def deliver(self, paths):
        """Send what is missing of each part, side by side; return the document of the whole."""
        self.failed, parts = None, zip(paths, self.parts(len(paths)))
        running = [self.pool.submit(self.persist, self.stretch, *part, len(paths) == 1) for part in parts]
        while wait(running, 0.3).not_done:
            self.show()
        print(end="\n" if self.terminal else "", file=sys.stderr)  # what follows has a line of its own
        told = [one.result() for one in running][-1]  # nothing, where they are but parts
        joined = {"Upload-Concat": "final;" + " ".join(paths), **self.about, **self.hashing.result()[1]}
        return told or self.persist(self.ask, "POST", "/tus", joined)[1]

    def stretch(self, path, part, whole):
        """Send a part from wherever it stands; return what the last answer tells."""
        offset, size = int(self.ask("HEAD", path)[0]["Upload-Offset"]), SMALLEST
        while True:
            if self.failed:
                raise self.failed
            self.at[path] = offset
            chunk = self.read(part[0] + offset, min(size, part[1] - offset))
            if len(chunk) < min(size, part[1] - offset):
                raise SendError("The file has become shorter.", DIGEST)
            if not (chunk or whole):
                return {}
            fields = {"Upload-Offset": str(offset), "Content-Type": "application/offset+octet-stream"}
            fields["Upload-Checksum"] = "sha256 " + b64encode(hashlib.sha256(chunk).digest()).decode()
            if whole and offset + len(chunk) == self.size:
                fields.update(self.hashing.result()[1])
            began = time.monotonic()
            answer, told = self.ask("PATCH", path, fields, chunk)
            if told:
                return told
            offset, self.moves = int(answer["Upload-Offset"]), self.moves + 1
            size = min(2 * size, LARGEST) if time.monotonic() - began < 1 else size


def authorization(args):
    given = Path(args.token_file).read_text().strip() if args.token_file else args.token or args.ticket
    given = given or os.environ.get("DIAGPORT_TOKEN") or os.environ.get("DIAGPORT_TICKET")
    with suppress(OSError, netrc.NetrcParseError, TypeError):  # it has no such host
        given = given or "{0}:{2}".format(*netrc.netrc().authenticators(urlsplit(args.url).hostname))
    if not given:
        raise SendError("Give --token-file; --help names other credentials.", USAGE)
    secret = given.rpartition(":")[2]
    return f"Bearer {secret}" if secret.startswith("dgp_") else f"Basic {b64encode(given.encode()).decode()}"


def main(path, args):
    """Send one file and say what became of it; return the exit code. Raises SendError, OSError."""
    sending = Sending(path, args)
    if not (sending.size and sending.path.is_file()):
        raise SendError("There is nothing in it to send.", USAGE)
    upload, mine = sending.send(), sending.hashing.result()[0]
    page = f"{'/files' if sending.login.startswith('Bearer') else '/api/v1/uploads'}/{upload['id']}/receipt"
    print(f"id       {upload['id']}\nsha256   {mine}\nreceipt  {urljoin(args.url, page)}", flush=True)
    while args.wait and upload["state"] in ("receiving", "sealed", "scanning"):
        told, upload = sending.persist(sending.ask, "GET", f"/api/v1/uploads/{upload['id']}")
        time.sleep(int(told.get("Retry-After", 0)))
    if upload["sha256"] not in (None, mine):
        raise SendError(f"The portal has other bytes than lie here: SHA-256 {upload['sha256']}.", DIGEST)
    print(f"state    {upload['state']}", flush=True)
    return UNCLEAN if args.wait and upload["state"] != "clean" else SENT


if __name__ == "__main__":
    parser = argparse.ArgumentParser(epilog=HELP, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.error = lambda why: parser.exit(USAGE, f"diagport: {why}\n")
    option = parser.add_argument
    option("files", metavar="FILE", nargs="+", help=".tgz or .tar.gz")
    option("--url", default=os.environ.get("DIAGPORT_URL", PORTAL), help="of the portal; or in DIAGPORT_URL")
    option("--token-file", metavar="FILE", help="that holds an API token")
    option("--token", help="an API token, for all to see who list processes")
    option("--ticket", metavar="CASE:CODE", help="an upload ticket")
    option("--case", help="the support case that it belongs to")
    option("--note", help="what we should look at")
    option("--wait", action="store_true", help="for the verdict of the virus check")
    option("--cacert", metavar="FILE", help="trust these certificates (PEM) alone")
    option("--connections", type=int, default=4, choices=range(1, 17), metavar="N", help="for a large file")
    option("--retry-for", type=int, default=600, metavar="SECONDS", help="while nothing moves")
    given, worst = parser.parse_args(), SENT
    if not given.url.startswith(("http://", "https://")):
        parser.error("give the portal's address with --url")
    for name in given.files:
        try:
            worst = max(worst, main(name, given))
        except (SendError, OSError) as error:
            print(f"diagport: {name}: {error}", file=sys.stderr, flush=True)
            worst = max(worst, getattr(error, "code", USAGE))
        except KeyboardInterrupt:
            os._exit(130)
    os._exit(worst)  # a thread that still waits for a dead line holds nobody up
