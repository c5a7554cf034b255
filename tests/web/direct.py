"""A sender whose parts go straight to S3, as `diagport.py` and the page are."""

from typing import Any

import requests
from werkzeug.test import TestResponse

from tests.factories.bundles import make_tgz
from tests.factories.direct import sum_of
from tests.web.callers import Caller

SMALL = make_tgz({"etc/hostname": b"web-01\n"})


class Direct:
    """One upload of ``content``, step by step."""

    def __init__(self, caller: Caller, content: bytes) -> None:
        self.caller, self.content = caller, content
        self.place = ""
        self.plan: dict[str, Any] = {}

    @property
    def id(self) -> str:
        return str(self.plan["id"])

    def begin(self, **said: object) -> "Direct":
        said = {"filename": "web-01.tgz", "size": len(self.content)} | said
        answer = self.caller.ask("POST", "/api/v1/direct", json=said)
        assert answer.status_code == 201, answer.text
        self.place, self.plan = answer.location, answer.get_json()
        return self

    def pieces(self) -> list[bytes]:
        size = self.plan["part_size"]
        return [self.content[start : start + size] for start in range(0, len(self.content), size)]

    def parts(self) -> list[dict[str, Any]]:
        """Return number and SHA-256 of each part."""
        return [{"number": number, "sha256": sum_of(piece)} for number, piece in enumerate(self.pieces(), 1)]

    @staticmethod
    def parts_of(small: bytes) -> list[dict[str, Any]]:
        """Return the same of what goes in one part."""
        return [{"number": 1, "sha256": sum_of(small)}]

    def sign(self, *parts: dict[str, Any]) -> TestResponse:
        return self.caller.ask("POST", f"{self.place}/parts", json={"parts": list(parts) or self.parts()})

    def send(self, *numbers: int) -> "Direct":
        """Send these parts, or all, to the store."""
        pieces = self.pieces()
        wanted = [part for part in self.parts() if not numbers or part["number"] in numbers]
        answer = self.sign(*wanted)
        assert answer.status_code == 200, answer.text
        for signed in answer.get_json()["parts"]:
            sent = put(signed, pieces[signed["number"] - 1])
            assert sent.status_code == 200, sent.text
        return self

    def complete(self, parts: list[dict[str, Any]] | None = None) -> TestResponse:
        body = {"parts": self.parts() if parts is None else parts}
        return self.caller.ask("POST", f"{self.place}/complete", json=body)

    def look(self) -> TestResponse:
        return self.caller.get(self.place)

    def cancel(self) -> TestResponse:
        return self.caller.ask("DELETE", self.place)


def put(signed: dict[str, Any], content: bytes) -> requests.Response:
    return requests.put(signed["url"], data=content, headers=signed["headers"], timeout=10)
