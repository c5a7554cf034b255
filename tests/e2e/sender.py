"""A tus client that sends in steps, so that a test can look in between."""

import base64

from tests.live import Live


class Sender:
    """One upload of ``who``, created and then sent piece by piece. ``id`` is the upload's."""

    def __init__(self, live: Live, content: bytes, name: str, who: str = "acme") -> None:
        self._live, self._who, self._content = live, who, content
        self._headers = {"Tus-Resumable": "1.0.0"}
        encoded = base64.b64encode(name.encode()).decode()
        start = {"Upload-Length": str(len(content)), "Upload-Metadata": f"filename {encoded}"}
        answer = live.request("POST", "/tus", who, headers=self._headers | start)
        assert answer.status_code == 201, answer.text
        self._path = answer.headers["Location"]
        self.id = self._path.rsplit("/", 1)[-1]

    def send(self, start: int, stop: int | None = None) -> None:
        """Send the bytes from ``start`` up to ``stop``, or to the end."""
        headers = {"Upload-Offset": str(start), "Content-Type": "application/offset+octet-stream"}
        piece = self._content[start:stop]
        answer = self._live.request(
            "PATCH", self._path, self._who, headers=self._headers | headers, data=piece
        )
        assert answer.ok, answer.text

    def cancel(self) -> None:
        answer = self._live.request("DELETE", self._path, self._who, headers=self._headers)
        assert answer.status_code == 204, answer.text
