"""The whole path through the page: with JavaScript, by drag and drop, and without any script."""

import base64
import re
from pathlib import Path

from playwright.sync_api import Route, expect

from tests.e2e import sources
from tests.e2e.browser import People
from tests.e2e.sources import every_bundle, pack
from tests.e2e.walk import fetch_as_engineer, id_in, id_of, note_phases, phases, row_of, scripted, send
from tests.live import Live

_FILES_OF = """
([encoded, name]) => {
  const bytes = Uint8Array.from(atob(encoded), (letter) => letter.charCodeAt(0));
  const files = new DataTransfer();
  files.items.add(new File([bytes], name, { type: "application/gzip" }));
  return files;
}
"""


@every_bundle
def test_sent_with_javascript(people: People, live: Live, tmp_path: Path, bundle: str) -> None:
    parcel = pack(tmp_path, sources.content_of(bundle), f"script-{bundle}")
    page = people.sign_in("acme")
    note_phases(page)
    page.get_by_label("Case number").fill("cs-4711")

    row = send(page, parcel)

    expect(row).to_have_attribute("data-phase", "settled")
    expect(row).to_contain_text("Ready")
    assert [phase for phase in phases(page) if phase in {"ready", "sending", "checking", "settled"}] == [
        "ready",
        "sending",
        "checking",
        "settled",
    ]
    upload_id = id_of(row)
    row.get_by_role("link", name="Receipt").click()
    expect(page.locator("#sha256")).to_have_text(parcel.sha256)
    expect(page.get_by_text("CS-4711")).to_be_visible()
    fetch_as_engineer(people, live, upload_id, parcel, tmp_path)


def test_dropped_onto_the_page(people: People, live: Live, tmp_path: Path) -> None:
    content = sources.content_of(sources.GENERATED)
    parcel = pack(tmp_path, content, "dropped.tgz")
    page = people.sign_in("acme")
    scripted(page)
    files = page.evaluate_handle(_FILES_OF, [base64.b64encode(content).decode(), parcel.name])

    page.dispatch_event("#dropzone", "dragenter", {"dataTransfer": files})
    expect(page.locator("#dropzone")).to_have_class(re.compile("dropzone--over"))
    page.dispatch_event("#dropzone", "drop", {"dataTransfer": files})
    expect(page.locator("#dropzone")).not_to_have_class(re.compile("dropzone--over"))
    page.get_by_role("button", name="Send bundle").click()

    row = row_of(page, parcel.name)
    expect(row).to_contain_text("Ready")
    fetch_as_engineer(people, live, id_of(row), parcel, tmp_path)


@every_bundle
def test_sent_without_javascript(people: People, live: Live, tmp_path: Path, bundle: str) -> None:
    parcel = pack(tmp_path, sources.content_of(bundle), f"plain-{bundle}")
    page = people.sign_in("acme", java_script_enabled=False)
    page.get_by_label("Case number").fill("CS-4712")
    page.get_by_label("Note").fill("The disk was full.")
    page.get_by_label("Choose your bundle").set_input_files(parcel.path)

    page.get_by_role("button", name="Send bundle").click()

    expect(page).to_have_url(re.compile(r"/files/[0-9a-f-]{36}/receipt$"))
    expect(page.locator("#sha256")).to_have_text(parcel.sha256)
    expect(page.get_by_text("CS-4712")).to_be_visible()
    expect(page.get_by_text("The disk was full.")).to_be_visible()
    live.settled(id_in(page.url))
    page.reload()
    expect(page.get_by_role("heading", name="Ready")).to_be_visible()
    fetch_as_engineer(people, live, id_in(page.url), parcel, tmp_path)


def test_wrong_file_without_javascript(people: People, live: Live, tmp_path: Path) -> None:
    parcel = pack(tmp_path, b"PK\x03\x04" + bytes(4000), "plain-wrong.zip")
    page = people.sign_in("acme", java_script_enabled=False)
    people.tolerate(page, "415")
    page.get_by_label("Choose your bundle").set_input_files(parcel.path)

    page.get_by_role("button", name="Send bundle").click()

    expect(page.get_by_role("main")).to_contain_text("tar czf bundle.tgz")
    expect(page.get_by_role("link", name="start page")).to_be_visible()
    states = live.get("/api/v1/uploads?q=plain-wrong.zip", "acme").json()["items"]
    assert [upload["state"] for upload in states] == ["rejected"]


def test_chosen_before_the_script_ran(people: People, tmp_path: Path) -> None:
    """On a slow line somebody is faster than the script; their choice is not lost."""
    parcel = pack(tmp_path, sources.content_of(sources.GENERATED), "early.tgz")
    page = people.sign_in("acme")
    held: list[Route] = []
    page.route("**/js/send.js*", lambda route: held.append(route))
    with page.expect_request("**/js/send.js*"):
        page.goto("/", wait_until="commit")
    page.locator("#diag").set_input_files(parcel.path)
    held[0].continue_()

    row = row_of(page, parcel.name)
    expect(row).to_have_attribute("data-phase", "ready")
    page.get_by_role("button", name="Send bundle").click()
    expect(row).to_contain_text("Ready")
