"""A sender whose web process dies at the completion, and a scheduler that hears of it later."""

import pytest

from app.adapters import sqs
from app.jobs.reconciling import take_upload_events
from app.models import Upload
from app.services.intake import reconciling, records
from app.services.steps import Outcome
from app.system import System
from tests import dying
from tests.factories.direct import bucket_of
from tests.factories.upload_events import Queue, with_queue
from tests.integration.looking import pass_time
from tests.s3servers import ACCESS_KEY, REGION, SECRET_KEY, S3Server
from tests.web.callers import Caller
from tests.web.direct import SMALL, Direct


def as_at_aws(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the queue be found with the process's own identity; what is left comes again at once."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", ACCESS_KEY)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET_KEY)
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    monkeypatch.setattr(sqs, "_WAIT", 0)
    monkeypatch.setattr(sqs, "_MINE", 0)


def told_of(system: System, moto: S3Server) -> Queue:
    """Give the queue in which the bucket says what comes; what it says first has been taken."""
    queue = Queue(moto)
    queue.hear_of(moto, bucket_of(system)[1])
    return queue


def listening(system: System, moto: S3Server, said: Queue) -> System:
    """Return a scheduler that has taken the test event."""
    scheduler = with_queue(system, moto, said)
    assert said.left() == 1, "the test event"
    assert take_upload_events(scheduler) is None
    assert said.left() == 0
    return scheduler


def joined(
    system: System, customer: Caller, content: bytes = SMALL, arrange: dying.Arrange | None = None
) -> Upload:
    """Send all of it; the web process dies over the completion, after the store has put it together."""
    sent = Direct(customer, content).begin(case="CS-7").send()
    with pytest.MonkeyPatch.context() as patch:
        (arrange or dying.before(records, "seal"))(patch)
        with pytest.raises(dying.Killed):
            sent.complete()
    with system.work() as uow:
        return uow.session.get_one(Upload, sent.id, populate_existing=True)


def take_later(scheduler: System, upload: Upload) -> Outcome:
    """Take what waits in the queue when the upload has been let alone for long enough."""
    pass_time(scheduler, upload.id, reconciling.PATIENCE + 1)
    return take_upload_events(scheduler)
