"""A webhook from its form to a signed message, through a browser without JavaScript and a real worker."""

import json
import re

from playwright.sync_api import expect

from tests.adapters.hook_sink import HookSink
from tests.adapters.test_webhook import verifies
from tests.e2e.browser import People
from tests.live import Live, eventually


def test_an_admin_sets_up_a_webhook_and_sees_its_test_arrive(people: People, live: Live) -> None:
    page = people.sign_in("admin", java_script_enabled=False)
    with HookSink() as sink:
        page.goto("/admin/channels")
        page.get_by_role("link", name="Add a channel").click()
        page.get_by_role("link", name="Choose Webhook").click()
        page.get_by_label("Name").fill("Sink of a test")
        page.get_by_label("Address").fill(sink.url)
        page.get_by_role("button", name="Add it").click()
        secret = page.locator("#secret").inner_text()
        page.get_by_role("link", name="I have copied it").click()
        page.get_by_role("button", name="Send a test").click()
        expect(page.get_by_text("The test is on its way")).to_be_visible()

        def arrived() -> bool:
            page.reload()
            return page.get_by_text("Sent", exact=True).count() == 1

        def paused() -> bool:
            page.reload()
            return page.get_by_text("It says that it is gone for good").count() == 1

        eventually(arrived, "sent")
        (got,) = sink.got
        assert verifies(secret, got.headers, got.body)
        assert json.loads(got.body)["type"] == "diagport.channel.test"

        sink.answer = 410
        page.get_by_role("button", name=re.compile("^Send again")).click()
        eventually(paused, "paused")
        assert [each.headers["webhook-id"] for each in sink.got] == [got.headers["webhook-id"]] * 2
        sink.answer = 200
        page.get_by_role("button", name="Resume").click()
        page.get_by_role("button", name=re.compile("^Send again")).click()
        eventually(lambda: len(sink.got) == 3, "sent once more")
        page.get_by_role("button", name="Remove it").click()
        expect(page.get_by_role("heading", name="Channels", exact=True)).to_be_visible()
        expect(page.get_by_text("Sink of a test")).to_have_count(0)
