"""The script that keeps ClamAV's signatures, against a freshclam that fails in every way. T24.

clamscan, flock and the rest are real, so are the databases; only what fetches them is not.
"""

import json
import signal
from datetime import timedelta
from pathlib import Path

import psutil
import pytest

from tests.image.signature_box import FAIL, FETCH, HALF, STOP, Box, busybox
from tests.live import eventually

OLD = timedelta(hours=49)


@pytest.fixture
def box(tmp_path: Path) -> Box:
    made = Box(tmp_path)
    made.publish(1)
    return made


def waits_for_lock(pid: int) -> bool:
    return any(child.name() == "flock" for child in psutil.Process(pid).children())


def metric(said: str) -> dict[str, object]:
    """Return the one line of the embedded metric format."""
    (found,) = [json.loads(line) for line in said.splitlines() if line.startswith('{"_aws"')]
    document: dict[str, object] = found
    return document


@pytest.mark.parametrize("shell", ["sh", "busybox"])
def test_the_first_start_fetches_and_the_next_does_not(tmp_path: Path, shell: str) -> None:
    """In the image the shell and its tools are BusyBox's."""
    if shell == "busybox":
        busybox(tmp_path / "tools")
        box = Box(tmp_path / "box", ("/bin/busybox", "sh"), str(tmp_path / "tools"))
    else:
        box = Box(tmp_path / "box", ("sh",))
    box.publish(1)
    assert box.run("ensure")[0] == 0
    assert box.version() == 1
    assert box.run("ensure") == (0, "")
    assert box.calls() == ["begin", "end"]
    box.publish(2)
    code, said = box.run("update")
    assert (code, box.version()) == (0, 2), said
    assert metric(said)["diagport_signatures_age_hours"] == pytest.approx(1, abs=0.02)


def test_old_ones_are_renewed_before_the_scanner_starts(box: Box) -> None:
    box.publish(1, OLD)
    box.run("ensure")
    box.publish(2)
    assert box.run("ensure")[0] == 0
    assert box.version() == 2
    assert list(box.scratch.iterdir()) == []


def test_without_the_network_old_ones_will_do_and_none_will_not(box: Box) -> None:
    """The portal itself stops trusting what is older than a week; until then bundles go on."""
    box.let(FAIL)
    code, said = box.run("ensure")
    assert (code, box.version()) == (1, None)
    assert "signatures_not_fetched" in said
    box.let(FETCH)
    box.publish(1, OLD)
    box.run("ensure")
    box.let(FAIL)
    code, said = box.run("ensure")
    assert (code, box.version()) == (0, 1)
    assert '"level":"warning","event":"signatures_older_than_wanted"' in said


def test_an_update_that_fails_says_so_and_how_old_what_remains_is(box: Box) -> None:
    box.publish(1, OLD)
    box.run("update")
    box.let(FAIL)
    code, said = box.run("update")
    assert (code, box.version()) == (1, 1)
    document = metric(said)
    assert document["diagport_signatures_age_hours"] == pytest.approx(49, abs=0.02)
    assert document["_aws"]["CloudWatchMetrics"] == [  # type: ignore[index]
        {
            "Namespace": "Diagport",
            "Dimensions": [["environment", "service"]],
            "Metrics": [{"Name": "diagport_signatures_age_hours", "Unit": "None"}],
        }
    ]
    assert (document["environment"], document["service"]) == ("stage", "diagport")


def test_what_the_mirror_said_of_coming_back_later_outlives_the_failure(box: Box) -> None:
    box.let(FAIL)
    box.run("update")
    box.let('cp "$datadir/freshclam.dat" "$BOX/seen"; ' + FETCH)
    box.run("update")
    assert (box.directory / "seen").read_text() == "wait-a-day\n"


def test_a_half_written_database_never_reaches_the_scanner(box: Box) -> None:
    """freshclam called it a success; the engine does not load it."""
    box.run("update")
    before = box.current.resolve()
    box.publish(2)
    box.let(HALF)
    code, said = box.run("update")
    assert code == 3, said
    assert "signatures_failed_their_test" in said
    assert (box.current.resolve(), box.version()) == (before, 1)
    assert list(box.sets.iterdir()) == [before]


def test_signatures_that_find_everything_or_nothing_never_reach_the_scanner(box: Box) -> None:
    """Whole and well formed, but they miss the test virus, or stop what is harmless."""
    box.run("update")
    hits_all = b"Nothing to see here.".hex()
    for spoil in (
        f'printf "Everything:0:*:{hits_all}\\n" >"$datadir/extra.ndb"',
        'echo Eicar-Dated >"$datadir/all.ign2"',
    ):
        box.publish(2)
        box.let(f"{FETCH}; {spoil}")
        code, said = box.run("update")
        assert (code, box.version()) == (3, 1), said


def test_nothing_new_moves_nothing(box: Box) -> None:
    box.run("update")
    before = box.current.readlink()
    code, said = box.run("update")
    assert (code, box.current.readlink()) == (0, before)
    assert "signatures_unchanged" in said
    assert metric(said)


def test_the_set_before_stays_while_a_scanner_may_be_reading_it(box: Box) -> None:
    seen = []
    for version in (1, 2, 3):
        box.publish(version)
        box.run("update")
        seen.append(box.current.resolve())
    assert sorted(box.sets.iterdir()) == sorted(seen[1:])


def test_killed_in_the_middle_it_leaves_what_was_there(box: Box) -> None:
    box.run("update")
    box.publish(2)
    box.let(STOP)
    process = box.start("update")
    eventually(lambda: len(box.calls()) == 3, "freshclam to begin")
    process.kill()
    (box.directory / "fifo").write_text("go on\n")  # its freshclam outlives it, and still holds the lock
    process.communicate(timeout=30)
    assert box.version() == 1
    box.let(FETCH)
    assert box.run("update")[0] == 0
    assert box.version() == 2
    assert not list(box.sets.glob(".new.*"))


def test_told_to_stop_it_stops_its_freshclam_and_leaves_nothing_behind(box: Box) -> None:
    box.let(STOP)
    process = box.start("keep")
    eventually(box.calls, "freshclam to begin")
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=10)
    assert process.returncode == 143
    assert [*box.sets.iterdir(), *box.scratch.iterdir()] == []


def test_of_two_at_once_one_waits_and_finds_that_it_is_done(box: Box) -> None:
    box.let(f'cat "$BOX/fifo"; {FETCH}')
    first = box.start("ensure")
    eventually(box.calls, "the first to begin")
    second = box.start("ensure")
    eventually(lambda: waits_for_lock(second.pid), "the second to wait")
    assert box.calls() == ["begin"]
    (box.directory / "fifo").write_text("go on\n")
    for process in (first, second):
        process.communicate(timeout=60)
        assert process.returncode == 0
    assert box.calls() == ["begin", "end"]


def test_it_says_how_it_is_used(box: Box) -> None:
    for arguments in ((), ("delete",), ("ensure", "update")):
        code, said = box.run(*arguments)
        assert (code, said) == (2, "Usage: signatures ensure|update|keep\n")
    assert box.calls() == []
