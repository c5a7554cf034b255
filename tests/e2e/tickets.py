"""Cases and tickets of a running portal, and every page about them."""

from collections.abc import Iterator
from itertools import count
from typing import Any

from tests.e2e.gallery import NEWCOMER, NOBODY, View, make_newcomer
from tests.factories.bundles import make_tgz
from tests.factories.eicar import eicar
from tests.live import Live

_number = count(1)


def post(live: Live, path: str, **document: Any) -> dict[str, Any]:
    answer = live.request("POST", path, "engineer", json=document)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


def make_case(live: Live, title: str = "") -> dict[str, Any]:
    """Make a case of acme's that nobody else knows of."""
    return post(live, "/api/v1/cases", organisation="acme", reference=f"GUEST-{next(_number)}", title=title)


def make_ticket(live: Live, case: dict[str, Any] | None = None, **terms: Any) -> dict[str, Any]:
    """Make a ticket, by default of a new case; its ``code`` is in what is returned."""
    case = case or make_case(live)
    return post(live, f"/api/v1/cases/{case['id']}/tickets", **terms)


def put(live: Live, ticket: dict[str, Any], content: bytes, name: str) -> dict[str, Any]:
    """Send a bundle with the ticket; return its JSON with the verdict."""
    answer = live.request("PUT", f"/upload/{name}", data=content, auth=(ticket["case"], ticket["code"]))
    assert answer.status_code == 201, answer.text
    return live.settled(answer.json()["id"])


def every_page(live: Live) -> Iterator[View]:
    """Fill a case, and list the pages that are about it and its tickets."""
    make_newcomer(live)
    title = "Fail-over stopped half-way, and a title that is long enough to be broken into several lines"
    case = make_case(live, title)
    used = make_ticket(live, case, uploads=2, networks=["127.0.0.0/8", "2001:db8::/32"])
    clean = put(live, used, make_tgz({"etc/hostname": b"web-01\n"}), "sosreport-web-01.tgz")
    put(live, used, make_tgz({"opt/eicar.com": eicar()}), "sosreport-web-02.tgz")
    good = make_ticket(live, case, bytes=5 * 10**9, recipient="guest@elsewhere.example")
    gone = make_ticket(live, case)
    assert live.request("DELETE", f"/api/v1/tickets/{gone['id']}", "engineer").status_code == 200
    closed = make_case(live)
    live.request("PATCH", f"/api/v1/cases/{closed['id']}", "engineer", json={"state": "closed"})
    live.put(make_tgz({"a": b"b"}), "late.tgz", params={"case": closed["reference"]})

    yield View("cases of all", "engineer", "/cases")
    yield View("cases", "acme", "/cases")
    yield View("cases, none", NEWCOMER, "/cases")
    yield View("cases, nothing matches", "admin", "/cases?q=there+is+no+such+case")
    yield View("make a case", "engineer", "/cases/new")
    yield View("case for staff", "engineer", f"/cases/{case['id']}")
    yield View("case", "acme", f"/cases/{case['id']}")
    yield View("closed case", "engineer", f"/cases/{closed['id']}")
    yield View("make a ticket", "engineer", f"/cases/{case['id']}/tickets")
    yield View("file of a ticket", "engineer", f"/files/{clean['id']}")
    yield View("type a ticket", NOBODY, "/t")
    yield View("ticket", NOBODY, f"/t/{good['code']}")
    yield View("ticket, used up", NOBODY, f"/t/{used['code']}", 410)
    yield View("ticket, withdrawn", NOBODY, f"/t/{gone['code']}", 410)
    yield View("ticket, mistyped", NOBODY, f"/t/{good['code'][:-1]}", 404)
    yield View("receipt of a ticket", NOBODY, f"/t/{used['code']}/files/{clean['id']}")
