"""Something to look at on every page: one upload in each state, and a customer who sent nothing."""

import base64
import gzip
from collections.abc import Iterator
from dataclasses import dataclass
from uuid import UUID

from tests.e2e.sender import Sender
from tests.e2e.sources import content_of, names, noisy_tgz
from tests.factories.bundles import make_tar, make_tgz
from tests.factories.eicar import eicar
from tests.live import Live

NOBODY = None
NEWCOMER = "initech"
MANAGER = "manager"
#: A place in a list, after everything.
LONG_AGO = base64.urlsafe_b64encode(f"2000-01-01T00:00:00+00:00 {UUID(int=0)}".encode()).decode()
LONG_NAME = "sosreport-" + "a-very-long-host-name-without-any-end." * 5 + "tgz"


@dataclass(frozen=True)
class View:
    """One page as one person sees it."""

    name: str
    who: str | None
    path: str
    status: int = 200


def make_newcomer(live: Live) -> None:
    """Create a customer whose organisation has no uploads."""
    _make_customer(live, NEWCOMER, NEWCOMER)


def make_manager(live: Live) -> None:
    """Create somebody who manages the people of acme."""
    _make_customer(live, MANAGER, "acme")
    live.sql("UPDATE account SET manager = true WHERE email = %s", live.accounts[MANAGER]["email"])


def _make_customer(live: Live, who: str, organisation: str) -> None:
    if who in live.accounts:
        return
    entry = {"email": f"{who}@{organisation}.example", "password": "nothing was sent so far"}
    arguments = ["--role", "customer", "--organisation", organisation, "--password", entry["password"]]
    create = live.application.python(
        who, "-m", "flask", "--app", "wsgi", "users", "create", entry["email"], *arguments
    )
    create.start()
    create.finish()
    live.accounts[who] = entry


def make_uploads(live: Live) -> dict[str, str]:
    """Bring one upload into each state; return their ids by state."""
    made: dict[str, str] = {}
    note = "The node left the cluster at 04:12.\nIt came back by itself."
    params = {"case": "CS-4720", "note": note}
    made["clean"] = live.put(content_of(names()[0]), LONG_NAME, params=params)["id"]
    made["infected"] = live.put(make_tgz({"opt/" + "deep/" * 30 + "eicar.com": eicar()}), "virus.tgz")["id"]
    damaged = make_tar({"var/log/messages": b"x" * 5000})[:3000]
    made["unscannable"] = live.put(gzip.compress(damaged, mtime=0), "damaged.tgz")["id"]
    made["deleted"] = live.put(make_tgz({"etc/hostname": b"old\n"}), "old.tgz")["id"]
    made["scanning"] = live.put(make_tgz({"etc/hostname": b"held\n"}), "held.tgz")["id"]
    for state, upload_id in made.items():
        settled = live.settled(upload_id)["state"]
        assert settled == (state if state in {"infected", "unscannable"} else "clean"), settled
    assert live.request("POST", f"/files/{made['clean']}/take", "engineer").status_code == 303
    for who in ("acme", "engineer", "engineer"):
        assert live.get(f"/download/{made['clean']}", who).status_code == 200
    assert live.request("DELETE", f"/api/v1/uploads/{made['deleted']}", "admin").status_code == 204
    made["released"] = live.put(gzip.compress(damaged[:2000], mtime=0), "released.tgz", params=params)["id"]
    assert live.settled(made["released"])["state"] == "unscannable"
    # Through the page it takes a person with a password.
    live.sql(
        "UPDATE upload SET released_at = now(), released_by = 'engineer@example.com', release_reason = %s"
        " WHERE id = %s",
        "The customer is down since 04:12.\nThe rest of the bundle is worth a look.",
        made["released"],
    )
    # What lasts too short to be looked at.
    live.sql(
        "UPDATE upload SET state = 'scanning', lease_until = now() + interval '1 hour' WHERE id = %s",
        made["scanning"],
    )
    answer = live.request("PUT", "/upload/gallery-wrong.zip", "acme", data=b"PK\x03\x04" + bytes(2000))
    assert answer.status_code == 415
    made["rejected"] = live.get("/api/v1/uploads?q=gallery-wrong.zip", "acme").json()["items"][0]["id"]
    begun = Sender(live, noisy_tgz(50_000), "begun.tgz")
    begun.send(0, 20_000)
    made["receiving"] = begun.id
    given_up = Sender(live, noisy_tgz(50_000), "given-up.tgz")
    given_up.cancel()
    made["abandoned"] = given_up.id
    return made


def views(uploads: dict[str, str]) -> Iterator[View]:
    """List every page that there is, for somebody who may see it."""
    yield View("sign-in", NOBODY, "/sign-in")
    yield View("forgotten password", NOBODY, "/reset")
    yield View("link to a new password that is over", NOBODY, "/reset/" + "A" * 43, 410)
    yield View("invitation that is over", NOBODY, "/activate/" + "A" * 43, 410)
    yield View("send", "acme", "/")
    yield View("send, nothing sent yet", NEWCOMER, "/")
    for who in (NOBODY, "acme", "engineer"):
        yield View(f"send from a server, {who}", who, "/send-from-a-server")
    yield View("list", "acme", "/files")
    yield View("list, nothing there", NEWCOMER, "/files")
    yield View("list, nothing matches", "acme", "/files?q=there+is+no+such+file")
    yield View("list of one case", "engineer", "/files?case=CS-4720")
    yield View("list of all", "engineer", "/files")
    yield View("inbox", "engineer", "/")
    for tab in ("mine", "watched", "assigned"):
        yield View(f"inbox, {tab}", "engineer", f"/inbox?tab={tab}")
    yield View("inbox, nothing matches", "engineer", "/inbox?case=CS-0")
    yield View("inbox, that was all", "admin", "/inbox?cursor=" + LONG_AGO)
    yield View("hand over", "engineer", f"/files/{uploads['clean']}/hand-over?back=mine")
    yield View("notices", "engineer", "/notices")
    yield View("notices of a customer", "acme", "/notices")
    yield View("notices, none yet", NEWCOMER, "/notices")
    yield View("notices, that was all", "engineer", "/notices?cursor=" + LONG_AGO)
    yield View("overview", "admin", "/")
    for state, upload_id in uploads.items():
        yield View(f"file, {state}", "admin" if state == "clean" else "acme", f"/files/{upload_id}")
    for state in ("clean", "infected", "receiving"):
        yield View(f"receipt, {state}", "acme", f"/files/{uploads[state]}/receipt")
    for state in ("clean", "infected", "unscannable", "released"):
        yield View(f"file for staff, {state}", "engineer", f"/files/{uploads[state]}")
    yield View("withdraw", "acme", f"/files/{uploads['unscannable']}/withdraw")
    yield View("cancel an upload", "acme", f"/files/{uploads['receiving']}/withdraw")
    yield View("too late to withdraw", "acme", f"/files/{uploads['released']}/withdraw", 409)
    yield View("account", "acme", "/account")
    yield View("account, no tokens", NEWCOMER, "/account")
    yield View("account of an admin", "admin", "/account?saved=manner")
    yield View("account, mails chosen", "engineer", "/account?saved=notices")
    yield View("make a token", "engineer", "/account/tokens/new")
    yield View("quarantine", "engineer", "/quarantine")
    yield View("quarantine, nothing matches", "admin", "/quarantine?q=there+is+no+such+file")
    yield View("quarantine, nothing there", "engineer", "/quarantine?cursor=" + LONG_AGO)
    yield View("release", "engineer", f"/quarantine/{uploads['unscannable']}/release")
    yield View("delete from quarantine", "engineer", f"/quarantine/{uploads['infected']}/delete")
    yield View("never to be released", "engineer", f"/quarantine/{uploads['infected']}/release", 409)
    yield View("sign in again", "engineer", "/sign-in/again?next=/quarantine")
    yield View("health", "admin", "/admin/health")
    yield View("runbook", "admin", "/admin/health/runbook")
    yield View("audit", "admin", "/admin/audit")
    rare = f"upload={uploads['clean']}&address=127.0.0.1"
    yield View("audit, narrowed", "admin", f"/admin/audit?action=bundles&{rare}")
    yield View("audit, nothing matches", "admin", "/admin/audit?person=nobody@example.com")
    yield View("audit, no such bundle", "admin", "/admin/audit?upload=7", 400)
    yield View("activity", "engineer", f"/files/{uploads['clean']}/activity")
    yield View("activity, nobody took it", "admin", f"/files/{uploads['infected']}/activity")
    yield View("downloads", MANAGER, "/organisation/downloads")
    yield View("downloads, none then", MANAGER, "/organisation/downloads?to=2020-01-01")
    yield View("not found", "acme", "/files/00000000-0000-4000-8000-000000000000", 404)
    yield View("nowhere", NOBODY, "/nowhere", 404)
    yield View("wrong filter", "engineer", "/files?state=none", 400)
    yield View("not ready to download", "acme", f"/download/{uploads['infected']}", 409)
    yield View("other method", "acme", "/upload", 405)
