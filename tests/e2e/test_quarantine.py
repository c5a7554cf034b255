"""What an engineer does with what is held back, at a browser that runs no scripts. T3, T20."""

import gzip
import io
import re
import tarfile
from pathlib import Path

from playwright.sync_api import expect

from tests.e2e.browser import People
from tests.factories.bundles import make_tar, make_tgz
from tests.factories.eicar import eicar
from tests.live import Live, eventually

REASON = "The customer is down since 04:12, and cannot send another bundle."


def test_released_with_a_password_and_a_reason(people: People, live: Live) -> None:
    content = gzip.compress(make_tar({"var/log/messages": b"x" * 5000})[:3000], mtime=0)
    upload_id = live.put(content, "cut-off.tgz")["id"]
    assert live.settled(upload_id)["state"] == "unscannable"
    page = people.sign_in("engineer", java_script_enabled=False)
    page.get_by_role("link", name="Quarantine").click()
    page.get_by_role("link", name="cut-off.tgz", exact=True).click()
    page.get_by_role("link", name="Release").click()
    page.get_by_label("Why is it needed?").fill(REASON)
    # Somebody thinks about the reason for longer than the password is good for.
    live.sql("UPDATE sign_in_session SET confirmed_at = now() - interval '11 minutes'")
    page.get_by_role("button", name="Release it").click()

    expect(page.get_by_role("heading", name="Is it still you?")).to_be_visible()
    page.get_by_label("Password").fill(live.accounts["engineer"]["password"])
    page.get_by_role("button", name="Go on").click()
    expect(page.get_by_label("Why is it needed?")).to_have_value(REASON)
    page.get_by_role("button", name="Release it").click()

    expect(page.get_by_role("heading", name="Released", exact=True)).to_be_visible()
    expect(page.get_by_role("main")).to_contain_text(REASON)
    with page.expect_download() as download:
        page.locator("a[download]").click()
    assert Path(download.value.path()).read_bytes() == content

    page.get_by_role("button", name="Take the release back").click()
    expect(page.get_by_role("heading", name="Needs review")).to_be_visible()
    expect(page.locator("a[download]")).to_have_count(0)


def test_all_but_the_virus(people: People, live: Live) -> None:
    """T20."""
    files = {"etc/hostname": b"web-01\n", "opt/eicar.com": eicar(), "var/log/messages": b"all is well\n"}
    upload_id = live.put(make_tgz(files), "part.tgz")["id"]
    assert live.settled(upload_id)["state"] == "infected"
    page = people.sign_in("engineer", java_script_enabled=False)
    page.goto(f"/files/{upload_id}")

    with page.expect_download() as download:
        page.get_by_role("link", name="Take the rest").click()

    assert download.value.suggested_filename == "part-without-infected.tar"
    content = Path(download.value.path()).read_bytes()
    assert eicar() not in content
    with tarfile.open(fileobj=io.BytesIO(content)) as tar:
        got = {info.name: tar.extractfile(info).read() for info in tar if info.isreg()}  # type: ignore[union-attr]
    assert {name: got.get(name) for name in files} == {**files, "opt/eicar.com": None}
    page.reload()
    expect(page.get_by_role("main")).to_contain_text("Taken without the infected files")


def test_checked_again(people: People, live: Live) -> None:
    upload_id = live.put(make_tgz({"opt/eicar.com": eicar()}), "again.tgz")["id"]
    before = live.settled(upload_id)
    page = people.sign_in("engineer", java_script_enabled=False)
    page.goto(f"/files/{upload_id}")
    page.get_by_role("button", name="Check again").click()

    expect(page).to_have_url(re.compile(f"/files/{upload_id}$"))
    expect(page.get_by_role("main")).to_contain_text("Second virus check asked for")

    def renewed() -> bool:
        now = live.get(f"/api/v1/uploads/{upload_id}", "engineer").json()
        return now["rescan_asked_at"] is None and now["scanned_at"] > before["scanned_at"]

    eventually(renewed, "the second scan")
    page.reload()
    expect(page.get_by_role("heading", name="Virus found", exact=True)).to_be_visible()
    expect(page.get_by_role("main")).not_to_contain_text("being checked again")


def test_deleted_with_a_reason(people: People, live: Live) -> None:
    upload_id = live.put(make_tgz({"opt/eicar.com": eicar()}), "away.tgz")["id"]
    live.settled(upload_id)
    page = people.sign_in("engineer", java_script_enabled=False)
    page.goto(f"/files/{upload_id}")
    page.get_by_role("link", name="Delete").click()
    page.get_by_label("Why?").fill("Nobody needs it any more.")
    page.get_by_role("button", name="Delete for good").click()

    expect(page.get_by_role("heading", name="Deleted", exact=True)).to_be_visible()
    sender = people.sign_in("acme", java_script_enabled=False)
    sender.goto(f"/files/{upload_id}")
    expect(sender.get_by_role("main")).to_contain_text("Nobody needs it any more.")
