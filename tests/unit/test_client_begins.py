"""diagport.py begins anew after a part was given up by the portal."""

import importlib.util
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from app.cli.dev import ROOT


def load() -> Any:
    spec = importlib.util.spec_from_file_location("client", ROOT / "static" / "client" / "diagport.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_what_ended_before_does_not_end_the_next_beginning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One answer that asks for patience is waited for, as at the first beginning."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    client = load()
    monkeypatch.setattr(client, "time", SimpleNamespace(monotonic=lambda: 0.0, sleep=lambda _: None))
    path = tmp_path / "a.tgz"
    path.write_bytes(b"x")
    args = SimpleNamespace(
        url="http://localhost", token="dgp_1", token_file=None, ticket=None, cacert=None, case=None,
        note=None, connections=1, retry_for=60,
    )  # fmt: skip
    sending = client.Sending(path, args)
    sending.failed = client.SendError("It was given up.", client.REFUSED, 410)
    answers = [client.SendError("Busy.", client.NETWORK, 503, 0), {}, {"Location": "/tus/1"}]

    def ask(*_: object) -> tuple[object, object]:
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer, {}

    monkeypatch.setattr(sending, "ask", ask)
    assert sending.begin() == ["/tus/1"]
    sending.pool.shutdown()
