"""Files that cannot be sent: said at once, in a sentence that helps, while the others go through."""

from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import expect

from tests.e2e.browser import People
from tests.e2e.sources import noisy_tgz, pack
from tests.e2e.walk import choose, id_of, row_of
from tests.live import Live

LIMIT = 100_000


def test_several_at_once_with_a_wrong_one(people: People, live: Live, tmp_path: Path) -> None:
    good = [pack(tmp_path, noisy_tgz(5000, seed), f"several-{seed}.tgz") for seed in range(3)]
    wrong = pack(tmp_path, b"PK\x03\x04" + bytes(4000), "several.zip")
    page = people.sign_in("acme")

    choose(page, good[0], wrong, *good[1:])
    expect(row_of(page, wrong.name)).to_contain_text("Cannot be sent. This is not a .tgz file.")
    expect(row_of(page, wrong.name)).to_contain_text("tar czf bundle.tgz my-folder")
    page.get_by_role("button", name="Send 3 bundles").click()

    for parcel in good:
        row = row_of(page, parcel.name)
        expect(row).to_contain_text("Ready")
        assert live.settled(id_of(row))["sha256"] == parcel.sha256
    expect(row_of(page, wrong.name)).to_have_attribute("data-phase", "unfit")
    row_of(page, wrong.name).get_by_role("button", name="Remove").click()
    expect(row_of(page, wrong.name)).to_have_count(0)


def test_refused_by_the_portal(people: People, live: Live, tmp_path: Path) -> None:
    """It looks right to the page, which sees the first two bytes; the portal looks inside."""
    parcel = pack(tmp_path, b"\x1f\x8b" + bytes(4000), "looks-right.tgz")
    page = people.sign_in("acme")
    people.tolerate(page, "415")

    choose(page, parcel)
    page.get_by_role("button", name="Send bundle").click()

    row = row_of(page, parcel.name)
    expect(row).to_contain_text("Not accepted.")
    expect(row).to_have_attribute("data-phase", "refused")
    [upload] = live.get(f"/api/v1/uploads?q={parcel.name}", "acme").json()["items"]
    assert upload["state"] == "rejected"
    expect(row.locator(".send-row__detail")).to_have_text(upload["reason"])


def test_too_large(people: People, make_live: Callable[..., Live], tmp_path: Path) -> None:
    small = make_live(DIAGPORT_MAX_UPLOAD_BYTES=str(LIMIT))
    parcel = pack(tmp_path, noisy_tgz(3 * 1024**2), "too-large.tgz")

    page = people.sign_in("acme", small)
    expect(page.get_by_text("up to 100.0 kB")).to_be_visible()
    choose(page, parcel)
    expect(row_of(page, parcel.name)).to_contain_text("This file has 3.1 MB. The limit is 100.0 kB.")

    plain = people.sign_in("acme", small, java_script_enabled=False)
    people.tolerate(plain, "413")
    plain.get_by_label("Choose your bundle").set_input_files(parcel.path)
    plain.get_by_role("button", name="Send bundle").click()
    expect(plain.get_by_role("main")).to_contain_text("split the bundle")

    answer = small.request("PUT", "/upload/too-large.tgz", "acme", data=parcel.path.read_bytes())
    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")
    assert not [path for path in small.application.storage.rglob("*") if path.is_file()]
