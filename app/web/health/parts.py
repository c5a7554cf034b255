"""What is well and what is not, in sentences. Each part has its section in the runbook."""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Final

from flask import url_for

from app.system import System
from app.web.health import keeping
from app.web.health.part import Fact, Part, facts_of, failing, good
from app.web.health.seen import Seen
from app.web.health.steps import put_off, title
from app.web.wording import age, number

_LATE: Final = timedelta(minutes=3)  # a step that should have run so long ago
_OFTEN: Final = 3  # times in a row that a step was put off though everything answers


def parts(system: System, seen: Seen) -> list[Part]:
    """Return every part, in the order in which a bundle meets them."""
    return [
        *(keeping.storage(seen, store) for store in system.adapters.stores),
        keeping.proof(seen),
        keeping.database(seen),
        keeping.redis(seen),
        _queues(seen),
        _workers(seen),
        _scanner(seen),
        _gate(seen),
        _scheduler(seen),
        _mail(seen),
        _channels(seen),
        keeping.backup(seen),
    ]


def summary(found: Sequence[Part]) -> str:
    """Say in one sentence how they are, all in all."""
    wrong = sum(part.ok is False for part in found)
    if not wrong:
        return "All is well."
    return f"{number(wrong)} of {number(len(found))} parts {'needs' if wrong == 1 else 'need'} attention."


def _queues(seen: Seen) -> Part:
    states = good(seen.told["queues"]) or {}
    failed = sum(state.failed_count for state in states.values())
    late = [each for each in seen.waiting if each.too_long(seen.settings.queue_stuck_after)]
    facts = tuple(
        Fact(
            each.name.capitalize(),
            f"{number(each.count)}, the oldest for {age(each.seconds)}" if each.count else "nothing waits",
        )
        for each in seen.waiting
    )
    if late:
        problem = " ".join(f"{each.name.capitalize()}: {each.reason}" for each in late)
    elif failed:
        problem = f"Jobs that failed within the last hour: {number(failed)}."
    elif not states:
        problem = "Redis does not say what waits in the queues."
    else:
        return Part("queues", "Queues", True, "Nothing waits for long.", facts)
    return Part("queues", "Queues", False, problem, facts)


def _workers(seen: Seen) -> Part:
    problem = failing(seen, "workers")
    return Part(
        "workers", "Workers", not problem, problem or f"{seen.checks['workers'].detail}.".capitalize()
    )


def _scanner(seen: Seen) -> Part:
    engine, problem = seen.engine, failing(seen, "scanner")
    old = seen.gate.signatures_age
    if not problem and old is not None and old > seen.settings.signatures_max_age:
        problem = f"Its signatures are {age(old)} old."
    facts = facts_of(
        engine=engine.name if engine else None,
        signatures=engine.signatures or "test signatures only" if engine else None,
        age_of_signatures=age(old) if old is not None else None,
    )
    well = "Answers." if seen.settings.clamd_address else "Answers the workers, who have it beside them."
    return Part("scanner", "Virus scanner", not problem, problem or well, facts)


def _gate(seen: Seen) -> Part:
    gate = seen.gate
    facts = facts_of(
        since=gate.since,
        last_test=gate.probed_at,
        took=f"{sum(probe.get('seconds', 0.0) for probe in gate.probes):.1f} s" if gate.probes else None,
    )
    if len(seen.scanners) > 1:
        facts += tuple(
            Fact(f"Scanner at {each.place.split()[0]}", each.failed or f"passed ({each.engine})")
            for each in seen.scanners
        )
    sentence = "Open: the scanner found all that it must." if gate.open else f"Closed. {gate.reason}"
    return Part("gate", "Gate", gate.open, sentence, facts)


def late(seen: Seen) -> Iterator[str]:
    """Yield the names of the steps that should have run by now."""
    for step in seen.steps:
        if step.finished_at and step.next_at and step.next_at + _LATE < seen.now:
            yield step.name


def _broken(seen: Seen) -> list[str]:
    """Return the titles of the steps that fail for a reason that no other part shows."""
    all_answer = all(check.ok for name, check in seen.checks.items() if name != "scheduler")
    return [
        title(step.name)
        for step in seen.steps
        if step.failures and (not put_off(step) or (all_answer and step.failures >= _OFTEN))
    ]


def _scheduler(seen: Seen) -> Part:
    broken = _broken(seen)
    waiting = [title(name) for name in late(seen)]
    problem = failing(seen, "scheduler")
    if not problem and broken:
        problem = f"Periodic work that fails: {', '.join(broken)}."
    if not problem and waiting:
        problem = f"Periodic work that should have run by now: {', '.join(waiting)}."
    return Part("scheduler", "Scheduler", not problem, problem or "All periodic work gets done.")


def _mail(seen: Seen) -> Part:
    mail = seen.mail
    facts = facts_of(
        last_sent=mail.last_sent or "not within a month",
        waiting=number(mail.waiting) if mail.waiting else "nothing",
        given_up_today=number(mail.given_up),
        last_error=mail.last_error,
    )
    problem = None
    if mail.given_up:
        problem = f"Mails that were given up within a day: {number(mail.given_up)}."
    elif mail.failing:
        problem = f"Mails that were refused again and again: {number(mail.failing)}."
    return Part("mail", "Mail", not problem, problem or "Mails go out.", facts)


def _channels(seen: Seen) -> Part:
    paused = seen.channels
    facts = tuple(
        Fact(each.name, each.paused_why or "Paused.", url_for("admin.channel", channel_id=each.id))
        for each in paused
    )
    if not paused:
        sentence = "None is paused."
    elif len(paused) == 1:
        sentence = "One channel is paused: what it should hear of waits."
    else:
        sentence = f"{number(len(paused))} channels are paused: what they should hear of waits."
    return Part("channels", "Channels", not paused, sentence, facts)
