"""What is well and what is not, in sentences. Each part has its section in the runbook."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Final

from app.system import System
from app.web.admin import health_keeping
from app.web.admin.health_part import Part, facts_of, failing, good
from app.web.admin.health_seen import Seen
from app.web.wording import age, number

_LATE: Final = timedelta(minutes=3)  # a step that should have run so long ago


def parts(system: System, seen: Seen) -> list[Part]:
    """Return every part, in the order in which a bundle meets them."""
    return [
        *(health_keeping.storage(seen, store) for store in system.adapters.stores),
        health_keeping.proof(seen),
        health_keeping.database(seen),
        health_keeping.redis(seen),
        _queues(seen),
        _workers(seen),
        _scanner(seen),
        _gate(seen),
        _scheduler(seen),
        _mail(seen),
        _channels(seen),
        health_keeping.backup(seen),
    ]


def _queues(seen: Seen) -> Part:
    states = good(seen.told["queues"]) or {}
    failed = sum(state.failed_count for state in states.values())
    late = [each for each in seen.waiting if each.too_long(seen.settings.queue_stuck_after)]
    facts = tuple(
        (
            each.name.capitalize(),
            f"{number(each.count)} wait" + (f", the oldest for {age(each.seconds)}" if each.count else ""),
        )
        for each in seen.waiting
    )
    if late:
        problem = " ".join(f"{each.name.capitalize()}: {each.reason}" for each in late)
    elif failed:
        problem = f"Jobs that failed within the last hour: {number(failed)}."
    elif not states:
        problem = "Redis does not say what hangs in the queues."
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
    return Part("scanner", "Virus scanner", not problem, problem or "Answers.", facts)


def _gate(seen: Seen) -> Part:
    gate = seen.gate
    facts = facts_of(
        since=gate.since,
        last_probe=gate.probed_at,
        took=f"{sum(probe.get('seconds', 0.0) for probe in gate.probes):.1f} s" if gate.probes else None,
    )
    sentence = "Open: the scanner found all that it must." if gate.open else f"Closed. {gate.reason}"
    return Part("gate", "Gate", gate.open, sentence, facts)


def late(seen: Seen) -> Iterator[str]:
    """Yield the names of the steps that should have run by now."""
    for step in seen.steps:
        if step.finished_at and step.next_at and step.next_at + _LATE < seen.now:
            yield step.name


def _scheduler(seen: Seen) -> Part:
    broken = [step.name for step in seen.steps if step.failures]
    waiting = list(late(seen))
    problem = failing(seen, "scheduler")
    if not problem and broken:
        problem = f"Fails: {', '.join(broken)}."
    if not problem and waiting:
        problem = f"Should have run by now: {', '.join(waiting)}."
    return Part("scheduler", "Scheduler", not problem, problem or "Every step does its work.")


def _mail(seen: Seen) -> Part:
    mail = seen.mail
    facts = facts_of(
        last_sent=mail.last_sent or "never",
        waiting=number(mail.waiting),
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
    facts = tuple((channel.name, channel.paused_why or "It failed again and again.") for channel in paused)
    sentence = f"Paused: {number(len(paused))}." if paused else "None is paused."
    return Part("channels", "Channels", not paused, sentence, facts)
