"""A release rolls over two web tasks and two workers while 20 bundles arrive: F22, I1, I2, I7."""

import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.e2e.diagport import Client, Outcome
from tests.faults.fleet import Fleet
from tests.faults.lab import Lab
from tests.faults.nginx import Nginx
from tests.faults.senders import KIB, Customer, Put, Relay, Resuming, Tuspy, Visitor
from tests.faults.test_services_die import sign_in
from tests.live import eventually

SIZE = 600 * KIB
IN_FLIGHT = 64 * KIB  # that a cut may cost, because it was on its way
CHUNK = 256 * KIB  # of our own client, which counts as a whole


@pytest.fixture
def fleet(make_lab: Callable[..., Lab], tmp_path: Path) -> Iterator[Fleet]:
    with Nginx(tmp_path / "nginx") as nginx:
        fleet = Fleet(make_lab, nginx)
        yield fleet
        fleet.close()


@pytest.fixture
def hurry() -> Iterator[threading.Event]:
    event = threading.Event()
    yield event
    event.set()


@pytest.fixture
def programs() -> Iterator[list["subprocess.Popen[str]"]]:
    programs: list[subprocess.Popen[str]] = []
    yield programs
    for program in programs:
        program.kill()
        program.communicate()


@pytest.fixture
def visitors(fleet: Fleet) -> Iterator[list[Visitor]]:
    """Give people who look at pages all the time."""
    url = fleet.live.url
    session = sign_in(fleet.lab, "acme")
    visitors = [Visitor(f"{url}/sign-in"), Visitor(f"{url}/files", session.cookies)]
    for visitor in visitors:
        visitor.start()
    yield visitors
    for visitor in visitors:
        visitor.leave()


def kept(fleet: Fleet, customer: Customer) -> None:
    """Check that it was acknowledged, became ready, and is what was sent."""
    assert customer.document.get("sha256") == customer.sha256, customer.trouble
    upload_id = customer.document["id"]
    eventually(lambda: fleet.lab.state(upload_id) == "clean", f"{upload_id} ready", 40)
    fetched = fleet.live.get(f"/api/v1/uploads/{upload_id}/content", "engineer")
    assert fetched.content == customer.content


def begin(customers: list[Customer]) -> None:
    for customer in customers:
        customer.start()
    for customer in customers:
        assert customer.half.wait(30), customer.trouble


def test_nothing_is_lost_and_nothing_begins_anew(
    fleet: Fleet,
    visitors: list[Visitor],
    hurry: threading.Event,
    programs: list["subprocess.Popen[str]"],
    bundle: Callable[..., bytes],
    tmp_path: Path,
) -> None:
    """Ten long chunks, three clients in Python, three of our own, and four that cannot be resumed."""
    live = fleet.live
    resuming: list[Customer] = [Resuming(live, bundle(SIZE, seed), hurry) for seed in range(10)]
    tuspy: list[Customer] = [Tuspy(live, bundle(SIZE, seed), hurry) for seed in range(10, 13)]
    relays = [Relay(fleet.nginx.port, SIZE, hurry) for _ in range(3)]
    for number, relay in enumerate(relays):
        path = tmp_path / f"own-{number}.tgz"
        path.write_bytes(bundle(2 * SIZE, 20 + number))
        client = Client(live, tmp_path / f"home-{number}")  # a new connection for each request
        programs.append(client.start(path, DIAGPORT_URL=relay.url))
    begin([*resuming, *tuspy])
    eventually(lambda: all(relay.sent > 10 * KIB for relay in relays), "our clients send", 30)

    puts: list[Customer] = []
    for round_, old in enumerate(list(fleet.tasks)):
        told = threading.Event()
        pair: list[Customer] = [
            Put(live, bundle(SIZE // 10, 30 + 2 * round_ + each), told) for each in (0, 1)
        ]
        begin(pair)
        fleet.replace(old, told.set, tell=True)
        puts += pair
    fleet.replace_workers()
    assert not any(customer.document for customer in (*resuming, *tuspy)), (
        "each lasts longer than the release"
    )
    assert all(process.poll() is None for process in programs)
    hurry.set()

    for customer in (*resuming, *tuspy, *puts):
        customer.join(60)
        kept(fleet, customer)
    for customer in resuming:
        assert customer.resumed, "where it began is gone"
        assert min(customer.resumed) > len(customer.content) // 4, customer.resumed
    for customer in (*resuming, *tuspy):
        assert customer.sent < len(customer.content) + IN_FLIGHT, (customer.sent, customer.trouble)
    assert [customer.trouble for customer in puts] == [[]] * 4, "the one try they have is enough"
    for process, relay, number in zip(programs, relays, range(3), strict=True):
        outcome = Outcome(process)
        content = (tmp_path / f"own-{number}.tgz").read_bytes()
        assert outcome.code == 0, outcome.errors
        assert relay.sent < len(content) + CHUNK + IN_FLIGHT, outcome.errors
        upload_id = outcome.told["id"]
        eventually(lambda id_=upload_id: fleet.lab.state(id_) == "clean", "ready", 40)  # type: ignore[misc]
        assert live.get(f"/api/v1/uploads/{upload_id}/content", "engineer").content == content
        relay.close()
    for visitor in visitors:
        visitor.leave()
        assert visitor.wrong == []
        assert visitor.seen > 20


def test_not_even_where_nobody_told_the_proxy(
    fleet: Fleet, visitors: list[Visitor], hurry: threading.Event, bundle: Callable[..., bytes]
) -> None:
    """A task ends though nginx still counts on it: uploads resume, pages come from the other one."""
    customers: list[Customer] = [
        *(Resuming(fleet.live, bundle(SIZE, seed), hurry) for seed in range(40, 46)),
        *(Tuspy(fleet.live, bundle(SIZE, seed), hurry) for seed in range(46, 48)),
    ]
    begin(customers)
    for old in list(fleet.tasks):
        fleet.replace(old, lambda: None, tell=False)
    hurry.set()
    for customer in customers:
        customer.join(60)
        kept(fleet, customer)
        assert customer.sent < len(customer.content) + IN_FLIGHT, (customer.sent, customer.trouble)
        assert min(customer.resumed, default=SIZE) > len(customer.content) // 4
    for visitor in visitors:
        visitor.leave()
        assert visitor.wrong == []
