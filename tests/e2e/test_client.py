"""diagport.py against the whole product: what it sends, what it says, what it returns to scripts."""

import ast
import hashlib
import os
import pty
import shutil
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
import requests

from tests.e2e.console import make_ticket
from tests.e2e.diagport import SOURCE, Client, stored_tgz
from tests.e2e.sources import noisy_tgz, pack
from tests.factories.bundles import make_tgz
from tests.factories.eicar import eicar
from tests.live import Live

SENT, USAGE, REFUSED, NETWORK, _DIGEST, UNCLEAN = range(6)


@pytest.fixture
def client(live: Live, tmp_path: Path) -> Client:
    return Client(live, tmp_path / "home")


def test_a_small_bundle(client: Client, live: Live, tmp_path: Path) -> None:
    parcel = pack(tmp_path, noisy_tgz(300_000), "client-ß 1.tgz")

    done = client.run("--case", "cs-4801", "--note", "Down since\n04:12", "--wait", parcel.path)

    assert done.code == SENT, done.errors
    assert done.told["sha256"] == parcel.sha256
    assert done.told["state"] == "clean"
    upload = live.get(f"/api/v1/uploads/{done.told['id']}", "acme").json()
    assert (upload["sha256"], upload["filename"]) == (parcel.sha256, parcel.name)
    assert (upload["case"], upload["note"]) == ("CS-4801", "Down since\n04:12")
    assert done.told["receipt"] == f"{live.url}/files/{upload['id']}/receipt"
    assert requests.get(done.told["receipt"], headers=live.token("acme"), timeout=10).status_code == 200
    assert not list(client.notes.iterdir()), "nothing is left to go on with"


def test_a_large_one_over_several_connections(client: Client, live: Live, tmp_path: Path) -> None:
    """200 MB, as it is served."""
    bundle = stored_tgz(tmp_path / "client-large.tgz", 200 * 10**6)

    done = client.run(bundle)

    assert done.code == SENT, done.errors
    with bundle.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    assert done.told["sha256"] == digest
    assert live.get(f"/api/v1/uploads/{done.told['id']}", "acme").json()["sha256"] == digest
    parts = live.sql("SELECT count(*) FROM upload WHERE joined_into = %s", done.told["id"])
    assert parts == [(4,)]


def test_served_by_the_portal(client: Client, live: Live, tmp_path: Path) -> None:
    answer = requests.get(f"{live.url}/diagport.py", timeout=10)

    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "text/x-python; charset=utf-8"
    assert answer.headers["Content-Disposition"] == "attachment; filename=diagport.py"
    again = requests.get(
        f"{live.url}/diagport.py", headers={"If-None-Match": answer.headers["ETag"]}, timeout=10
    )
    assert (again.status_code, again.content) == (304, b"")
    client.program.write_bytes(answer.content)
    parcel = pack(tmp_path, noisy_tgz(20_000), "client-served.tgz")
    done = client.run(parcel.path, DIAGPORT_URL="")
    assert (done.code, done.told.get("sha256")) == (SENT, parcel.sha256), done.errors


@pytest.mark.parametrize(
    ("arguments", "environment"),
    [
        (["--token-file", "token"], {}),
        (["--token", "TOKEN"], {}),
        ([], {"DIAGPORT_TOKEN": "TOKEN"}),
        ([], {"NETRC": "machine 127.0.0.1 login token password TOKEN"}),
    ],
)
def test_every_way_to_give_a_token(
    client: Client, live: Live, tmp_path: Path, arguments: list[str], environment: dict[str, str]
) -> None:
    token = client.environment.pop("DIAGPORT_TOKEN")
    netrc = Path(client.environment["HOME"], ".netrc")
    netrc.write_text(environment.get("NETRC", "").replace("TOKEN", token))
    netrc.chmod(0o600)
    (tmp_path / "token").write_text(f"{token}\n")
    given = [
        str(tmp_path / "token") if each == "token" else each.replace("TOKEN", token) for each in arguments
    ]
    parcel = pack(tmp_path, noisy_tgz(20_000), f"client-login-{len(arguments)}{len(environment)}.tgz")

    done = client.run(*given, parcel.path, DIAGPORT_TOKEN=environment.get("DIAGPORT_TOKEN", "") and token)

    assert (done.code, done.told.get("sha256")) == (SENT, parcel.sha256), done.errors


def test_a_ticket_sends_until_it_ends(client: Client, live: Live, tmp_path: Path) -> None:
    """T12: 410 once it has ended, in words."""
    ticket_id, code = make_ticket(live, "CS-4802")
    parcel = pack(tmp_path, noisy_tgz(20_000), "client-ticket.tgz")
    given = ["--ticket", f"CS-4802:{code}"]

    done = client.run(*given, "--wait", parcel.path, DIAGPORT_TOKEN="")

    assert (done.code, done.told.get("state")) == (SENT, "clean"), done.errors
    assert live.get(f"/api/v1/uploads/{done.told['id']}", "acme").json()["case"] == "CS-4802"
    live.sql("UPDATE ticket SET expires_at = %s WHERE id = %s", datetime.now(UTC), ticket_id)
    ended = client.run(*given, parcel.path, DIAGPORT_TOKEN="")
    assert ended.code == REFUSED
    assert "expired" in ended.errors


def test_refusals(client: Client, live: Live, tmp_path: Path) -> None:
    parcel = pack(tmp_path, noisy_tgz(20_000), "client-refused.tgz")
    wrong = pack(tmp_path, b"PK\x03\x04" + bytes(300_000), "client-wrong.tgz")

    unknown = client.run("--token", "dgp_nobody", parcel.path)
    content = client.run(wrong.path)

    assert unknown.code == REFUSED
    assert "not known" in unknown.errors
    assert content.code == REFUSED
    assert "tar czf" in content.errors
    several = client.run(parcel.path, wrong.path)
    assert several.code == REFUSED, "one was refused"
    assert several.told["sha256"] == parcel.sha256, "the other was sent"


def test_over_the_quota(client: Client, live: Live, tmp_path: Path) -> None:
    """T8: 413, in the portal's words, before the body."""
    live.sql("UPDATE organisation SET quota_bytes = used_bytes + 10000 WHERE slug = 'globex'")
    client.environment["DIAGPORT_TOKEN"] = live.accounts["globex"]["token"]
    parcel = pack(tmp_path, noisy_tgz(50_000), "client-quota.tgz")
    try:
        done = client.run(parcel.path)
    finally:
        live.sql("UPDATE organisation SET quota_bytes = NULL WHERE slug = 'globex'")

    assert done.code == REFUSED
    assert "bytes left" in done.errors


def test_an_infected_one(client: Client, tmp_path: Path) -> None:
    parcel = pack(tmp_path, make_tgz({"tmp/eicar.com": eicar()}), "client-virus.tgz")
    done = client.run("--wait", parcel.path)
    assert (done.code, done.told["state"]) == (UNCLEAN, "infected"), done.errors


def test_wrong_usage(client: Client, tmp_path: Path) -> None:
    parcel = pack(tmp_path, noisy_tgz(20_000), "client-usage.tgz")
    empty = pack(tmp_path, b"", "client-empty.tgz")
    for arguments, environment, why in (
        ([], {}, "FILE"),
        ([tmp_path / "absent.tgz"], {}, "No such file"),
        ([empty.path], {}, "nothing"),
        ([parcel.path], {"DIAGPORT_TOKEN": ""}, "--token-file"),
        ([parcel.path], {"DIAGPORT_URL": ""}, "--url"),
    ):
        done = client.run(*arguments, **environment)
        assert done.code == USAGE, (arguments, environment)
        assert why in done.errors
    assert "exit codes" in " ".join(client.start("--help").communicate()[0].split())


def test_nobody_there(client: Client, tmp_path: Path) -> None:
    parcel = pack(tmp_path, noisy_tgz(20_000), "client-nobody.tgz")
    done = client.run("--retry-for", "1", parcel.path, DIAGPORT_URL="http://127.0.0.1:9")
    assert done.code == NETWORK
    assert "refused" in done.errors


def test_on_a_terminal_it_draws(client: Client, tmp_path: Path) -> None:
    bundle = stored_tgz(tmp_path / "client-terminal.tgz", 60 * 10**6)
    ours, its = pty.openpty()
    process = subprocess.Popen(
        [client.python, client.program, bundle], env=client.environment, stdout=its, stderr=its
    )
    os.close(its)
    seen = b""
    while piece := _read(ours):
        seen += piece
    os.close(ours)
    assert process.wait(10) == SENT
    assert b"client-terminal.tgz: [" in seen
    assert b"MB/s" in seen
    assert b" s left" in seen


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65536)
    except OSError:  # the other side has gone
        return b""


def test_it_is_python_3_8_and_standard_library() -> None:
    tree = ast.parse(SOURCE.read_text(), feature_version=(3, 8))
    imported = {
        (node.module if isinstance(node, ast.ImportFrom) else name.name) or ""
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in node.names
    }
    assert {name.partition(".")[0] for name in imported} <= sys.stdlib_module_names
    later = {"removeprefix", "removesuffix", "file_digest", "is_relative_to", "with_stem", "readlink"}
    assert not {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)} & later


@pytest.mark.parametrize("name", ["python3.8", "python3.14"])
def test_other_pythons(client: Client, live: Live, tmp_path: Path, name: str) -> None:
    found = shutil.which(name)
    if found is None or subprocess.run([found, "-c", ""], capture_output=True, check=False).returncode:
        pytest.skip(f"there is no {name} here")  # a version manager may have only a stand-in
    client.python = found
    parcel = pack(tmp_path, noisy_tgz(3 * 10**6), f"client-{name}.tgz")
    done = client.run("--wait", parcel.path)
    assert (done.code, done.told.get("sha256")) == (SENT, parcel.sha256), done.errors
