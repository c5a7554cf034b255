"""A mail server that keeps what it gets and shows it: SMTP in, HTTP out, both on 127.0.0.1.

Run as a file of its own, so that it starts without the application.
"""

import argparse
import html
import json
import os
import re
import time
from email import message_from_bytes, policy
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

PAGE = """<!doctype html><html lang="en"><meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Caught mail</title>
<style>body{{font:16px/1.5 system-ui,sans-serif;max-width:50rem;margin:2rem auto;padding:0 1rem}}
article{{border-top:1px solid #ccc;padding:1rem 0}}h2{{margin:0;font-size:1.1rem}}p{{margin:0;color:#555}}
pre{{white-space:pre-wrap;overflow-wrap:anywhere;font:inherit}}</style>
<h1>Caught mail</h1>{articles}</html>
"""
ARTICLE = (
    "<article><h2>{subject}</h2><p>to {to}, {at}, <a href='/messages/{number}'>as it looks</a></p>"
    "<pre>{text}</pre></article>"
)
POLICY = "default-src 'none'; style-src 'unsafe-inline'"


class Mailbox:
    """One file per mail; its name is the time of arrival in nanoseconds, its first header the recipients."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's
        path = self.directory / f"{time.time_ns()}.eml"
        partial = path.with_suffix(".part")
        content = envelope.content if isinstance(envelope.content, bytes) else b""
        partial.write_bytes(b"X-Caught-For: " + ", ".join(envelope.rcpt_tos).encode() + b"\r\n" + content)
        partial.rename(path)
        return "250 Caught"

    def messages(self) -> list[dict[str, str]]:
        """Return the mails, oldest first: to, subject, text, html, message_id, at (RFC 3339).

        ``text`` is the text part; ``html`` is empty for a mail without such a part.
        """
        return [self._read(path) for path in sorted(self.directory.glob("*.eml"))]

    def _read(self, path: Path) -> dict[str, str]:
        message = message_from_bytes(path.read_bytes(), _class=EmailMessage, policy=policy.default)
        text, html_part = message.get_body(("plain",)), message.get_body(("html",))
        seconds = int(path.stem) // 10**9
        return {
            "to": str(message["X-Caught-For"]),
            "subject": str(message["Subject"] or ""),
            "text": text.get_content() if text else "",
            "html": html_part.get_content() if html_part else "",
            "message_id": str(message["Message-ID"] or ""),
            "at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds)),
        }


def page(messages: list[dict[str, str]]) -> str:
    """Render the mails, newest first, with their links to click."""
    articles = []
    for number, message in reversed(list(enumerate(messages, 1))):
        safe = {name: html.escape(value) for name, value in message.items()} | {"number": str(number)}
        safe["text"] = re.sub(r"https?://[^\s<>]+", r'<a href="\g<0>">\g<0></a>', safe["text"])
        articles.append(ARTICLE.format_map(safe))
    return PAGE.format(articles="".join(articles) or "<p>Nothing yet.</p>")


def serve(mailbox: Mailbox, smtp_port: int, http_port: int) -> None:
    """Catch mails until killed."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path == "/messages":
                self._answer("application/json", json.dumps(mailbox.messages()))
            elif self.path == "/":
                self._answer("text/html; charset=utf-8", page(mailbox.messages()))
            else:
                self._show(self.path.removeprefix("/messages/"))

        def _show(self, number: str) -> None:
            """Answer with the HTML of one mail, from 1 on, as a mail program would show it."""
            caught = mailbox.messages()
            if number.isdecimal() and 0 < int(number) <= len(caught):
                self._answer("text/html; charset=utf-8", caught[int(number) - 1]["html"])
            else:
                self.send_error(404)

        def _answer(self, kind: str, text: str) -> None:
            body = text.encode()
            self.send_response(200)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Content-Security-Policy", POLICY)
            self.end_headers()
            self.wfile.write(body)

    Controller(mailbox, hostname="127.0.0.1", port=smtp_port).start()
    ThreadingHTTPServer(("127.0.0.1", http_port), Handler).serve_forever()


if __name__ == "__main__":
    os.umask(0o077)  # mails hold links that sign people in
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("directory", type=Path)
    parser.add_argument("smtp_port", type=int)
    parser.add_argument("http_port", type=int)
    options = parser.parse_args()
    options.directory.mkdir(parents=True, exist_ok=True)
    serve(Mailbox(options.directory), options.smtp_port, options.http_port)
