"""A product with its channels, and a webhook that hears of a bundle."""

from collections.abc import Iterator

import pytest

from app.domain.lifecycle import UploadState
from app.domain.policy import Actor
from app.models import Channel, Upload
from app.settings import Settings
from app.system import System
from tests.adapters.hook_sink import HookSink
from tests.factories.mailbox import spread_all
from tests.factories.told import make_channel
from tests.factories.uploads import make_upload
from tests.integration.channels.world import SECRET, wired


@pytest.fixture
def sink() -> Iterator[HookSink]:
    with HookSink() as sink:
        yield sink


@pytest.fixture
def ready(system: System, settings: Settings) -> System:
    return wired(system, settings)


@pytest.fixture
def channel(ready: System, sink: HookSink) -> Channel:
    return make_channel(ready, address=sink.url, secret=SECRET)


@pytest.fixture
def upload(ready: System, channel: Channel, sender: Actor) -> Upload:
    """Give an upload that the channel is to hear of."""
    upload = make_upload(ready, sender, UploadState.CLEAN)
    spread_all(ready)
    return upload
