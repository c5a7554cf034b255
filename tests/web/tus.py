"""A tus 1.0.0 client, as small as one can be."""

import base64
from typing import Any

from werkzeug.test import TestResponse

from tests.factories.requests import TGZ
from tests.web.callers import Caller

VERSION = {"Tus-Resumable": "1.0.0"}
PATCH_TYPE = "application/offset+octet-stream"


def metadata(**pairs: str) -> str:
    return ",".join(f"{key} {base64.b64encode(value.encode()).decode()}" for key, value in pairs.items())


class Tus:
    """One upload of ``content``. Every answer must say the version (tus 1.0.0, Tus-Resumable)."""

    def __init__(self, caller: Caller, content: bytes = TGZ) -> None:
        self.caller, self.content = caller, content
        self.place = ""

    def ask(self, method: str, path: str, headers: dict[str, str] | None = None, **more: Any) -> TestResponse:
        answer = self.caller.ask(method, path, headers=VERSION | (headers or {}), **more)
        assert answer.headers["Tus-Resumable"] == "1.0.0"
        return answer

    def create(self, length: int | None = None, **said: str) -> "Tus":
        """Make room; ``said`` is metadata besides the file name."""
        headers = {
            "Upload-Length": str(len(self.content) if length is None else length),
            "Upload-Metadata": metadata(filename="web-01.tgz", **said),
        }
        answer = self.ask("POST", "/tus", headers)
        assert answer.status_code == 201, answer.text
        self.place = answer.location
        return self

    def patch(self, start: int = 0, stop: int | None = None, **more: Any) -> TestResponse:
        """Send ``content[start:stop]``; ``headers`` and other arguments may be given."""
        headers = {"Upload-Offset": str(start), "Content-Type": PATCH_TYPE} | more.pop("headers", {})
        more.setdefault("data", self.content[start:stop])
        return self.ask("PATCH", self.place, headers, **more)

    def head(self) -> TestResponse:
        return self.ask("HEAD", self.place)

    def offset(self) -> int:
        answer = self.head()
        assert answer.status_code == 200
        return int(answer.headers["Upload-Offset"])

    def delete(self) -> TestResponse:
        return self.ask("DELETE", self.place)
