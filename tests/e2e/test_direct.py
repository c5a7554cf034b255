"""The page sends past the portal, straight into S3 (Swift, which enforces what was signed)."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Route, expect

from app.cli.dev.services import Services
from tests.e2e.browser import People
from tests.e2e.sources import Parcel, noisy_tgz, pack
from tests.e2e.walk import choose, id_of, row_of, send
from tests.live import Live, clone_database, eventually
from tests.s3servers import S3Server

SIZE = 17 * 1024**2  # two parts
SCANNED = 90_000  # milliseconds; the store copies it first
PUT = re.compile(r"partNumber=(\d+)")
SIGNED = "**/api/v1/direct/*/parts"


@pytest.fixture(scope="module")
def portal(
    services: Services, template: str, swift: S3Server, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Live]:
    """Give the whole product on a bucket. Nobody kills this one."""
    settings = swift.settings(swift.bucket(versioned=True))
    database = clone_database(services, template, "direct")
    with Live(services, database, tmp_path_factory.mktemp("direct"), settings, redis_db=9) as running:
        yield running


@pytest.fixture
def parcel(tmp_path: Path) -> Parcel:
    return pack(tmp_path, noisy_tgz(SIZE, seed=8), f"{tmp_path.name}.tgz")


@pytest.fixture
def people(chromium: Browser, portal: Live) -> Iterator[People]:
    people = People(chromium, portal)
    yield people
    problems = people.problems()
    people.close()
    assert not problems, "the browser complained:\n" + "\n".join(problems)


def expect_arrived(portal: Live, upload_id: str, parcel: Parcel) -> None:
    upload = portal.settled(upload_id)
    assert (upload["sha256"], upload["size"], upload["state"]) == (parcel.sha256, parcel.size, "clean")
    ((door,),) = portal.sql("SELECT door FROM upload WHERE id = %s", upload_id)
    assert door == "direct"


def test_sent_and_fetched_past_the_portal(
    portal: Live, people: People, parcel: Parcel, swift: S3Server
) -> None:
    page = people.sign_in("acme")
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.url) if request.method == "PUT" else None)
    row = send(page, parcel)
    expect(row).to_have_attribute("data-phase", "settled", timeout=SCANNED)
    expect(row).to_contain_text("Ready")
    assert len(sent) == 2
    assert all(url.startswith(f"{swift.url}/") for url in sent)
    expect_arrived(portal, id_of(row), parcel)
    engineer = people.sign_in("engineer")
    engineer.goto(f"/files/{id_of(row)}")
    with engineer.expect_download() as download:
        engineer.locator("a[download]").click()
    assert download.value.url.startswith(f"{swift.url}/")
    assert download.value.suggested_filename == parcel.name
    assert download.value.path().read_bytes() == parcel.path.read_bytes()


def test_a_closed_tab_goes_on_where_it_was(portal: Live, people: People, parcel: Parcel) -> None:
    """F2. One part never arrives; then another tab sends that part alone."""
    page = people.sign_in("acme")
    people.tolerate(page, "net::ERR_")

    def lose_the_second(route: Route) -> None:
        if '"number":2' in (route.request.post_data or ""):
            route.abort()
        else:
            route.continue_()

    page.route(SIGNED, lose_the_second)
    row = send(page, parcel)
    expect(row).to_have_attribute("data-phase", "retrying")
    ((upload_id,),) = portal.sql("SELECT id FROM upload WHERE filename = %s", parcel.name)
    page.close()

    page = page.context.new_page()
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.url) if request.method == "PUT" else None)
    page.goto("/")
    expect(page.locator("#unfinished")).to_contain_text(parcel.name)
    row = send(page, parcel)
    expect(row).to_have_attribute("data-phase", "settled", timeout=SCANNED)
    assert [match[1] for url in sent if (match := PUT.search(url))] == ["2"]
    assert id_of(row) == str(upload_id)
    expect_arrived(portal, id_of(row), parcel)


def test_a_page_of_which_a_piece_is_missing_says_so(people: People, parcel: Parcel) -> None:
    """The way past the portal is a file of its own, fetched when it is needed: the line may be broken."""
    page = people.sign_in("acme")
    people.tolerate(page, "net::ERR_")
    page.route(re.compile(r"/direct\.[^/]*js"), lambda route: route.abort())
    choose(page, parcel)
    row = row_of(page, parcel.name)
    expect(row).to_have_attribute("data-phase", "unready")
    expect(row).to_contain_text("A piece of this page did not load.")
    page.unroute_all()
    row.get_by_role("button", name=re.compile("^Try again")).click()
    expect(row).to_have_attribute("data-phase", "ready")
    row.get_by_role("button", name=re.compile("^Remove")).click()
    expect(row).to_have_count(0)


def test_cancelled(portal: Live, people: People, parcel: Parcel) -> None:
    page = people.sign_in("acme")
    page.route(SIGNED, lambda _route: None)  # they wait for ever
    row = send(page, parcel)
    expect(row).to_have_attribute("data-phase", "sending")
    begun = "SELECT 1 FROM upload WHERE filename = %s AND multipart_id IS NOT NULL"
    eventually(lambda: portal.sql(begun, parcel.name), "the beginning")
    row.locator("[data-act=cancel]").click()
    row.locator("[data-act=discard]").click()
    expect(row).to_have_attribute("data-phase", "cancelled")
    ended = "SELECT 1 FROM upload WHERE filename = %s AND state = 'abandoned'"
    eventually(lambda: portal.sql(ended, parcel.name), "the end of it")
