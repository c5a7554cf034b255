"""The parts that keep something: stores, database, Redis, backups."""

from datetime import datetime, timedelta
from typing import Final

from app.domain.errors import PortalError
from app.ports import HasRoom, HasTiers, Room, Storage, Tier
from app.ports.queue import QueueServer
from app.web.health.part import Fact, Part, facts_of, failing, good
from app.web.health.seen import Seen, newest_migration
from app.web.wording import filesize, number

_LITTLE: Final = 0.1  # of a store, of connections, or of what the queues' server may use
_BACKUP_OLD: Final = timedelta(days=2)


def storage(seen: Seen, store: Storage) -> Part:
    """Whether a store takes and gives back bytes, and how much room it has."""
    check = "storage" if "storage_" + store.name not in seen.checks else "storage_" + store.name
    room: Room | None = good(seen.told.get(f"room {store.name}"))
    problem = failing(seen, check)
    facts: tuple[Fact, ...] = ()
    if room is not None:
        facts = facts_of(free=filesize(room.free), total=filesize(room.total))
        if not problem and room.free < room.total * _LITTLE:
            problem = f"Only {filesize(room.free)} of {filesize(room.total)} are free."
    if isinstance(store, HasTiers):
        facts += facts_of(
            place=store.place, moves_to_a_cheaper_class=_tier(seen.told.get(f"tier {store.name}"))
        )
    if not isinstance(store, HasRoom):
        facts += facts_of(room="as much as the bucket's owner pays for")
    return Part(
        "storage", f"Storage ({store.name})", not problem, problem or "Takes and gives back bytes.", facts
    )


def _tier(answer: Tier | PortalError | None) -> str:
    if isinstance(answer, PortalError):
        return "not known here: the portal may not read the bucket's lifecycle rules"
    return f"to {answer.storage_class} after {answer.days:,} days" if answer else "never"


def proof(seen: Seen) -> Part:
    """Whether rows and storage agree."""
    now, last, strays = seen.proof, seen.proof.get("round") or {}, seen.strays
    wrong = now.get("wrong", 0) or last.get("wrong", 0)
    first = now.get("first") or last.get("first") or ()
    left = strays.get("left alone", 0)
    facts = facts_of(
        bundles_compared=number(last["seen"]) if last else None,
        in_this_round=number(now["seen"]) if now.get("after") else None,
        first_that_differ=", ".join(first) or None,
        removed_by_the_last_sweep=number(strays["removed"]) if strays else None,
        first_removed=", ".join(strays.get("first", ())) or None,
    )
    if wrong:
        sentence = f"Bundles whose stored bytes are not as they should be: {number(wrong)}."
    elif left:
        sentence = f"So many stored files belong to no bundle that none was removed: {number(left)}."
    elif not last:
        return Part("proof", "Bundles and storage", None, "Not compared to the end yet.", facts)
    else:
        sentence = "Every bundle has its bytes, and nothing else is stored."
    return Part("proof", "Bundles and storage", not (wrong or left), sentence, facts)


def database(seen: Seen) -> Part:
    """Whether the database answers, is the one that the program expects, and holds its walls."""
    found, unsafe = seen.database, seen.checks["database"].detail
    wanted = newest_migration()
    problem = failing(seen, "database")
    if not problem and found.revision is not None and found.revision != wanted:
        problem = f"The database is at migration {found.revision}, the program at {wanted}."
    if not problem and unsafe and seen.settings.environment == "production":
        problem = f"The portal {unsafe}."
    if not problem and (found.connections or 0) > found.most_connections * (1 - _LITTLE):
        problem = f"{found.connections} of {found.most_connections} connections are taken."
    facts = facts_of(
        version=f"PostgreSQL {found.version}",
        size=filesize(found.size) if found.size is not None else "not known here",
        connections=f"{found.connections or 'not known'} of {found.most_connections}",
        migration=found.revision or "not known here",
        organisations=f"the portal {unsafe}" if unsafe else "kept apart by the database itself",
    )
    return Part("database", "Database", not problem, problem or "Answers.", facts)


def redis(seen: Seen) -> Part:
    """Whether the queues' server answers, and has memory left."""
    server: QueueServer | None = good(seen.told["server"])
    problem = failing(seen, "queue")
    if server is None:
        return Part("redis", "Redis", not problem, problem or "Answers, but does not say more.")
    if not problem and server.limit and server.memory > server.limit * (1 - _LITTLE):
        problem = f"{filesize(server.memory)} of {filesize(server.limit)} of its memory are used."
    facts = facts_of(
        version=server.version,
        memory=filesize(server.memory),
        limit=filesize(server.limit) if server.limit else "none",
    )
    return Part("redis", "Redis", not problem, problem or "Answers.", facts)


def backup(seen: Seen) -> Part:
    """What is known of backups here, which is little."""
    title = "Backups"
    moment: datetime | None = good(seen.told.get("backup"))
    archiver = seen.archiver
    if "backup" in seen.told and moment is None:
        return Part(
            "backup", title, False, "The file that says when the last backup was made cannot be read."
        )
    if moment is not None:
        old = seen.now - moment > _BACKUP_OLD
        sentence = "The last backup is more than two days old." if old else "A backup was made lately."
        return Part("backup", title, not old, sentence, facts_of(last_backup=moment))
    if archiver is None:
        return Part("backup", title, None, "Not known here: nobody tells the portal of backups.")
    failed = archiver.failed_at and (not archiver.archived_at or archiver.failed_at > archiver.archived_at)
    sentence = "The server fails to archive its log." if failed else "The server archives its log."
    return Part("backup", title, not failed, sentence, facts_of(last_archived=archiver.archived_at))
