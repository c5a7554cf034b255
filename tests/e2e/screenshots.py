"""Take the pictures of docs/screenshots from a running portal.

python -m tests.e2e.screenshots http://127.0.0.1:8000 .local/demo.json docs/screenshots
"""

import io
import json
import re
import sys
import tarfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import requests
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.e2e.browser import CHROMIUM, FLAGS
from tests.e2e.screenshots_channels import take_of_channel
from tests.e2e.screenshots_mail import take_of_mail
from tests.e2e.sources import noisy_tgz
from tests.factories.bundles import make_tgz, repack
from tests.factories.eicar import eicar
from tests.live import BUNDLES

DESK = {"width": 1280, "height": 800}
PHONE = {"width": 390, "height": 844}
CHROME = (
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36"
)
FIREFOX = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0"
LOOKS: list[tuple[str, dict[str, Any]]] = [
    ("", {"viewport": DESK, "color_scheme": "light"}),
    ("-phone-dark", {"viewport": PHONE, "color_scheme": "dark", "device_scale_factor": 2}),
]
SENT = [  # who, file, name, case, note
    ("acme", "support-bundle.tar.gz", "support-bundle-2026-11-18.tar.gz", "CS-4688", None),
    ("globex", "preflight-bundle.tar.gz", "preflight-cluster-eu-1.tar.gz", "CS-4690", "Before the upgrade."),
    ("acme", "sosreport-sunbeam.tgz", "sosreport-sunbeam-01.tgz", "CS-4702", None),
    ("globex", "support-bundle.tar.gz", "support-bundle-billing.tar.gz", "CS-4711", None),
    ("acme", "sosreport-sunbeam.tgz", "sosreport-sunbeam-02.tgz", "CS-4702", "Copied off the old disk."),
    ("acme", "preflight-bundle.tar.gz", "preflight-cluster-us-2.tar.gz", None, None),
    ("acme", "sosreport-rabbitmq.tgz", "sosreport-rabbitmq-01.tgz", "CS-4720", "Down since 04:12."),
]  # fmt: skip

INVITED = [  # mail address, name, role, organisation
    ("operations@acme.example", "Operations at Acme", "customer", "acme"),
    ("night@diagport.example", "Night shift", "engineer", ""),
    ("datacentre@globex.example", "Data centre at Globex", "customer", "globex"),
]

INFECTED, CUT, READY = (
    "support-bundle-billing.tar.gz",
    "sosreport-sunbeam-02.tgz",
    "sosreport-rabbitmq-01.tgz",
)


class Portal:
    """The running portal and its demo accounts."""

    def __init__(self, url: str, accounts: dict[str, dict[str, str]]) -> None:
        self.url = url
        self.accounts = accounts

    def _headers(self, who: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.accounts[who]['token']}"}

    def put(self, who: str, content: bytes, name: str, case: str | None, note: str | None) -> str:
        """Send a bundle, wait for its verdict; return its id."""
        answer = requests.put(
            f"{self.url}/upload/{name}",
            data=content,
            params={"case": case, "note": note},
            headers=self._headers(who),
            timeout=60,
        )
        answer.raise_for_status()
        upload: dict[str, Any] = answer.json()
        address = f"{self.url}/api/v1/uploads/{upload['id']}"
        while requests.get(address, headers=self._headers(who), timeout=60).status_code != 200:
            time.sleep(0.2)
        return str(upload["id"])

    def ticket(self, case: str) -> tuple[str, str]:
        """Make a ticket for a case that there is; return the case's id and the ticket's code."""
        api, headers = f"{self.url}/api/v1/cases", self._headers("engineer")
        found = requests.get(api, params={"q": case}, headers=headers, timeout=60).json()["items"][0]
        terms = {"days": 7, "uploads": 3}
        made = requests.post(f"{api}/{found['id']}/tickets", json=terms, headers=headers, timeout=60)
        made.raise_for_status()
        return found["id"], made.json()["code"]

    def assign(self, who: str, upload_id: str) -> None:
        """Let somebody of support take a bundle."""
        address = f"{self.url}/files/{upload_id}/take"
        requests.post(address, headers=self._headers(who), timeout=60).raise_for_status()

    @contextmanager
    def open(self, browser: Browser, who: str, **options: Any) -> Iterator[Page]:
        """Open a browser where ``who`` has signed in."""
        context = browser.new_context(**{"base_url": self.url, "user_agent": CHROME, **options})
        page = context.new_page()
        page.goto("/sign-in")
        page.get_by_label("Mail address").fill(self.accounts[who]["email"])
        page.get_by_label("Password").fill(self.accounts[who]["password"])
        page.get_by_role("button", name="Sign in", exact=True).click()
        expect(page).to_have_url(f"{self.url}/")
        yield page
        context.close()


def fill(portal: Portal) -> dict[str, str]:
    """Send the bundles, one of them infected and one cut off; return their ids by name."""
    sent: dict[str, str] = {}
    for who, file, name, case, note in SENT:
        source = BUNDLES / file
        content = source.read_bytes() if source.exists() else make_tgz({"etc/hostname": name.encode()})
        if name == INFECTED:
            content = infected(content)
        if name == CUT:
            content = content[: len(content) * 2 // 3]
        sent[name] = portal.put(who, content, name, case, note)
    return sent


def infected(content: bytes) -> bytes:
    """Return the bundle with the EICAR test file in it."""
    with tarfile.open(fileobj=io.BytesIO(content)) as tar:
        names = sorted(info.name for info in tar if info.isreg())
    return repack(content, {names[-1]: eicar()})


def take(portal: Portal, browser: Browser, sent: dict[str, str], into: Path) -> None:
    """Take every picture, on a desk in light and on a phone in dark."""
    case, code = portal.ticket("CS-4702")
    portal.assign("admin", sent[CUT])
    invite(portal, browser)
    with portal.open(browser, "acme", user_agent=FIREFOX):
        pass  # so that they are signed in elsewhere too
    for suffix, options in LOOKS:
        take_of_admin(portal, browser, into, suffix, options)
        with portal.open(browser, "engineer", **options) as page:
            take_of_inbox(page, into, suffix)
            page.goto("/files")
            expect(page.locator("tbody tr").nth(len(SENT) - 1)).to_be_visible()
            page.screenshot(path=into / f"files{suffix}.png")
            page.goto(f"/files/{sent[READY]}")
            expect(page.locator("#download")).to_be_visible()
            page.screenshot(path=into / f"file{suffix}.png")
            page.screenshot(path=into / f"scanned{suffix}.png", full_page=True)
            page.goto("/quarantine")
            page.screenshot(path=into / f"quarantine{suffix}.png")
            page.goto(f"/files/{sent[INFECTED]}")
            expect(page.get_by_role("link", name="Take the rest")).to_be_visible()
            page.screenshot(path=into / f"infected{suffix}.png", full_page=True)
            page.goto(f"/cases/{case}")
            page.screenshot(path=into / f"case{suffix}.png", full_page=True)
            page.goto(f"/t/{code}")
            page.screenshot(path=into / f"ticket{suffix}.png", full_page=True)
        with portal.open(browser, "acme", **options) as page:
            page.goto("/send-from-a-server")
            page.screenshot(path=into / f"from-a-server{suffix}.png", full_page=True)
            page.goto("/account")
            page.screenshot(path=into / f"account{suffix}.png", full_page=True)
            page.goto(f"/files/{sent[READY]}/receipt")
            page.screenshot(path=into / f"receipt{suffix}.png", full_page=True)
            page.goto("/")
            sending(page)
            page.screenshot(path=into / f"send{suffix}.png")
            page.get_by_role("button", name="Cancel").click()
            page.get_by_role("button", name="Discard").click()
            expect(page.locator(".send-row[data-phase=cancelled]")).to_be_visible()


def take_of_inbox(page: Page, into: Path, suffix: str) -> None:
    """Take the pictures of what support begins with."""
    for name in ("inbox", "notices"):
        page.goto(f"/{name}")
        page.screenshot(path=into / f"{name}{suffix}.png")


def invite(portal: Portal, browser: Browser) -> None:
    """Let the lists of people have more than the demo's."""
    with portal.open(browser, "admin") as page:
        for email, name, role, organisation in INVITED:
            page.goto("/admin/people/invite")
            page.get_by_label("Mail address").fill(email)
            page.get_by_label("Name", exact=True).fill(name)
            page.get_by_label("Role", exact=True).select_option(role)
            page.get_by_label("Organisation", exact=True).select_option(organisation)
            page.get_by_role("button", name="Send the invitation").click()
            expect(page.get_by_role("heading", name=name, level=1)).to_be_visible()


def take_of_admin(portal: Portal, browser: Browser, into: Path, suffix: str, options: dict[str, Any]) -> None:
    """Take the pictures of signing in, and of what admins see."""
    context = browser.new_context(base_url=portal.url, **options)
    page = context.new_page()
    page.goto("/sign-in")
    page.screenshot(path=into / f"sign-in{suffix}.png")
    context.close()
    with portal.open(browser, "admin", **options) as page:
        page.goto("/admin/people")
        page.screenshot(path=into / f"people{suffix}.png", full_page=True)
        page.goto("/admin/organisations")
        page.get_by_role("link", name="Acme", exact=True).click()
        expect(page.get_by_role("heading", name="Acme", level=1)).to_be_visible()
        page.screenshot(path=into / f"organisation{suffix}.png", full_page=True)
        page.goto("/admin/audit")
        page.screenshot(path=into / f"audit{suffix}.png")
        page.goto("/admin/health")
        page.screenshot(path=into / f"health{suffix}.png", full_page=True)
        take_of_channel(page, into, suffix)


def sending(page: Page) -> None:
    """Leave the page in the middle of sending one bundle."""
    slow = {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": 1024**2}
    page.context.new_cdp_session(page).send("Network.emulateNetworkConditions", slow)
    page.get_by_label("Case number").fill("CS-4731")
    page.get_by_label("Note").fill("Logs of the failed fail-over.")
    content = noisy_tgz(12 * 1024**2, seed=4)
    files: Any = {"name": "sosreport-db-03.tgz", "mimeType": "application/gzip", "buffer": content}
    page.locator("#diag").set_input_files(files)
    page.get_by_role("button", name="Send bundle").click()
    expect(page.locator(".send-row__detail")).to_contain_text(re.compile(r"^[3-5]\d%.*/s.*left"))
    page.evaluate("window.scrollTo(0, 0)")
    page.locator(".send-row").scroll_into_view_if_needed()


def main(url: str, demo: str, into: str) -> None:
    """Fill the portal and take its pictures."""
    known = json.loads(Path(demo).read_text())
    accounts = {entry.get("organisation", entry["role"]): entry for entry in known["accounts"]}
    portal, folder = Portal(url.rstrip("/"), accounts), Path(into)
    folder.mkdir(parents=True, exist_ok=True)
    sent = fill(portal)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        take(portal, browser, sent, folder)
        take_of_mail(browser, known["mail"], f"Virus found: {INFECTED}", "send it anew", folder)
        browser.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
