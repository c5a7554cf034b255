"""An admin finds a job that failed on the health page, and deals with it, script or not."""

from collections.abc import Iterator
from uuid import uuid4

import pytest
import redis
from playwright.sync_api import expect
from rq import Queue
from rq.serializers import JSONSerializer
from rq.worker import SimpleWorker

from app.domain.jobs import JobName, QueueName
from tests.e2e.browser import People
from tests.e2e.test_looks import SCREENS, look
from tests.live import Live, eventually

TRACEBACK = (
    'Traceback (most recent call last):\n  File "deliver.py", line 7, in deliver\nValueError: ' + "long " * 60
)


@pytest.fixture
def failed(live: Live) -> Iterator[str]:
    """Give the argument of a job that failed."""
    argument = str(uuid4())
    with redis.Redis.from_url(live.application.environment["DIAGPORT_REDIS_URL"]) as connection:
        queue = Queue(QueueName.DELIVER, connection=connection, serializer=JSONSerializer)
        job = queue.create_job(JobName.DELIVER.value, (argument,), failure_ttl=3600)
        worker = SimpleWorker([queue], connection=connection, serializer=JSONSerializer)
        worker.handle_job_failure(job, queue, exc_string=TRACEBACK)
        yield argument


@pytest.mark.parametrize("scripted", [True, False], ids=["script", "no script"])
def test_a_failed_job_is_found_read_and_forgotten(
    people: People, live: Live, failed: str, scripted: bool
) -> None:
    eventually(
        lambda: live.sql("SELECT count(*) FROM step_run WHERE finished_at IS NOT NULL")[0][0] > 8, "steps"
    )
    page = people.sign_in("admin", java_script_enabled=scripted, viewport=SCREENS["desk"])
    page.get_by_role("link", name="Health", exact=True).click()
    item = page.locator(".failed__item", has_text=failed)
    expect(item.locator("pre")).to_be_hidden()
    item.locator("summary").click()
    expect(item.locator("pre")).to_contain_text("ValueError: long")
    if scripted:
        for name, size in SCREENS.items():
            page.set_viewport_size(size)  # type: ignore[arg-type]
            assert look(page, f"health, {name}") == []
    page.get_by_role("link", name="What to do: Queues").click()
    expect(page.get_by_role("heading", name="Queues", exact=True)).to_be_in_viewport()
    page.get_by_role("link", name="Health", exact=True).first.click()
    item.locator("summary").click()
    item.get_by_role("button", name="Forget").click()
    expect(page.get_by_role("heading", name="Health", level=1)).to_be_visible()
    expect(item).to_have_count(0)
