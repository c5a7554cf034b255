"""The scheduler's steps in words: what each is for, and what it did when it last did something."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from app.domain.errors import DependencyError, FetchError, ScannerUnavailableError
from app.models import StepRun
from app.web.wording import number

#: Step of `jobs.schedule` -> what it does, in the order in which the page shows them.
TITLES: Final[dict[str, str]] = {
    "ring_scans": "Remind workers of virus checks",
    "ring_large_scans": "Remind workers of virus checks of large bundles",
    "ring_rescans": "Remind workers of second virus checks",
    "ring_outdated": "Check stored bundles with newer signatures",
    "ring_events": "Remind workers of events to be told",
    "ring_deliveries": "Remind workers of mails and messages",
    "tend_gate": "Test the virus scanner",
    "tag_stored": "Write verdicts on stored files",
    "tag_again": "Write verdicts again",
    "take_upload_events": "Complete uploads that nobody completed",
    "watch_queues": "Look for work that piles up",
    "abandon_stale": "Give up unfinished uploads",
    "warn_expiring": "Warn of unfinished uploads",
    "warn_ahead": "Warn of tickets and storage that run out",
    "send_digests": "Send daily mails",
    "write_dates": "Work out when bundles are deleted",
    "warn_deletion": "Warn of bundles that are deleted soon",
    "delete_due": "Delete bundles whose time is over",
    "scrub_deleted": "Clear what rows still say of deleted bundles",
    "remove_deleted": "Remove the bytes of deleted bundles",
    "anchor_trail": "Write the end of the trail to the log",
    "forget_old": "Forget old sessions and messages",
    "remove_strays": "Remove stored files of no bundle",
    "prove_storage": "Compare bundles with the storage",
    "recheck_stored": "Read stored bundles again",
    "add_up_counters": "Add up the metrics",
    "print_metrics": "Print the metrics",
}

#: How the errors begin that say only that something else is away (`jobs.recording`).
_AWAY: Final = tuple(f"{kind.__name__}: " for kind in (DependencyError, ScannerUnavailableError, FetchError))

_ORDER: Final = {name: place for place, name in enumerate(TITLES)}

#: What a step's result has -> in words; anything else it has is for the next run, or for another part.
_DID: Final[dict[str, Callable[[Any], str]]] = {
    "rang": lambda count: f"{number(count)} asked for again",
    "rewritten": lambda count: f"{number(count)} dates changed",
    "warned": lambda count: f"{number(count)} told of",
    "given up": lambda count: f"{number(count)} given up",
    "mails": lambda count: f"{number(count)} sent",
    "deleted": lambda count: f"{number(count)} deleted",
    "bytes left": lambda count: f"bytes of {number(count)} still to be removed",
    "completed": lambda count: f"{number(count)} completed",
    "refused": lambda count: f"{number(count)} refused",
    "tagged": lambda count: f"{number(count)} written",
    "looked at": lambda count: f"{number(count)} looked at",
    "scrubbed": lambda count: f"{number(count)} cleared",
    "removed": lambda count: f"{number(count)} removed",
    "left alone": lambda count: f"{number(count)} left alone",
    "seen": lambda count: f"{number(count)} compared",
    "wrong": lambda count: f"{number(count)} differ" if count else "all agree",
    "stuck": lambda names: ", ".join(names) or "nothing piles up any more",
    "anchored": lambda head: f"up to row {str(head).partition(':')[0]}",
}


def title(name: str) -> str:
    """Return what a step does, in a few words."""
    return TITLES.get(name) or name.replace("_", " ").capitalize()


def did(result: Mapping[str, Any]) -> str:
    """Return what it did, in words."""
    words = [say(result[key]) for key, say in _DID.items() if result.get(key) is not None]
    line = ", ".join(words)
    return line[:1].upper() + line[1:]


def put_off(step: StepRun) -> bool:
    """Whether its last run waits for something that is away: that is then the other part's fault."""
    return (step.error or "").startswith(_AWAY)


def trouble(step: StepRun) -> str:
    """Return what is wrong with it, in words; empty if nothing is."""
    if not step.failures:
        return ""
    error = step.error or "it did not say why"
    said = f"Put off: {error.partition(': ')[2]}" if put_off(step) else f"Failed: {error}"
    often = "" if step.failures == 1 else f" ({number(step.failures)} times in a row)"
    return said + often


def in_order(steps: Sequence[StepRun]) -> list[StepRun]:
    """Return what fails first, then as in `TITLES`."""
    return sorted(steps, key=lambda step: (not step.failures, _ORDER.get(step.name, len(_ORDER)), step.name))
