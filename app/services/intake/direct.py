"""Uploads whose bytes go straight to the store, in parts, past the portal.

The portal signs each part, puts the parts together and looks at the result; what it never sees as
a stream it cannot hash: the scan, which reads everything, fills in the SHA-256 (ADR 0014).
"""

from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from datetime import timedelta
from uuid import UUID

from sqlalchemy import func, select, update

from app.domain import naming
from app.domain.errors import BadRequestError, GoneError, LockedError, NotFoundError, StateConflictError
from app.domain.lifecycle import UploadState
from app.domain.parts import Cut, Part
from app.domain.policy import Pass
from app.models import Upload
from app.ports import PresignsUploads, Storage
from app.queries import uploads
from app.services.intake import records
from app.services.intake.completion import check_content
from app.services.intake.records import Announcement
from app.uow import UnitOfWork

Work = Callable[[], AbstractContextManager[UnitOfWork]]

#: How long a signed address lasts, seconds.
LASTS = 900

#: For how long a store may know of an upload neither parts nor an object without having lost it, seconds:
#: it is just being begun, or put together. No request to a store lasts longer, all its tries included.
_BETWEEN = 600


class NotOfferedError(StateConflictError):
    """The store takes no bytes but the portal's own."""

    code = "direct_not_offered"


class PartsMissingError(StateConflictError):
    """Some parts are not here, or are not what was announced; ``numbers`` are to be sent again."""

    code = "parts_missing"

    def __init__(self, numbers: list[int]) -> None:
        super().__init__(f"{len(numbers):,} parts have not arrived as announced. Send them again.")
        self.numbers = numbers


class LostError(GoneError):
    """The store has nothing of it any more."""


def presigning(storage: Storage) -> PresignsUploads:
    """Return the store as one that takes parts from senders. Raises NotOfferedError."""
    if not isinstance(storage, PresignsUploads):
        raise NotOfferedError("This portal takes bundles itself: send it here, through tus or with PUT.")
    return storage


def cut(upload: Upload) -> Cut:
    """Return how the upload is cut into parts."""
    return Cut(upload.declared_bytes or 0)


def start(uow: UnitOfWork, announced: Announcement, storage_name: str) -> Upload:
    """Make the row. Its object comes to lie under the sender's own prefix.

    Raises:
        BadRequestError: without a size nothing can be cut.
        PortalError: as `records.start`.
    """
    if announced.size is None or announced.size < 0:
        raise BadRequestError("size must say how many bytes will come.")
    upload = records.start(uow, announced, storage_name)
    sender = upload.ticket_id or upload.uploader_id
    assert sender is not None  # noqa: S101  # one_sender guarantees it
    upload.storage_key = naming.storage_key(sender, upload.id)
    return upload


def note_begun(uow: UnitOfWork, upload_id: UUID, begun: str) -> None:
    """Keep the store's name for the beginning. Raises StateConflictError: it has ended."""
    noted = uow.session.scalar(
        update(Upload)
        .where(Upload.id == upload_id, Upload.state == UploadState.RECEIVING)
        .values(multipart_id=begun, active_at=func.now())
        .returning(Upload.id)
    )
    if noted is None:
        raise StateConflictError("This upload has ended.", upload_id=upload_id)


def own(uow: UnitOfWork, upload_id: UUID) -> Upload:
    """Return a direct upload of whoever asks.

    Raises:
        NotFoundError: absent, a colleague's or a stranger's, or of another door.
    """
    upload = uow.session.scalar(
        uploads.visible_to(uow.actor)
        .where(Upload.id == upload_id, uploads.sent_by(uow.actor), Upload.door == "direct")
        .execution_options(populate_existing=True)
    )
    if upload is None:
        raise NotFoundError
    return upload


def absent(uow: UnitOfWork, upload_id: UUID) -> LockedError | LostError:
    """Return what it means that the store knows nothing of an upload that is still being received.

    Raises:
        NotFoundError: as `own`.
    """
    own(uow, upload_id)
    just_now = Upload.active_at > func.now() - timedelta(seconds=_BETWEEN)
    if uow.session.scalar(select(just_now).where(Upload.id == upload_id)):
        return LockedError("This upload is just being begun or put together. Ask again in a moment.")
    return LostError("The store has lost this upload. Send the file again.")


def arrived(store: PresignsUploads, upload: Upload) -> list[Part]:
    """Return the parts that the store has. Raises NotFoundError: they were joined, or are lost."""
    if upload.multipart_id is None:  # whoever begins it has not noted that yet, or died before
        raise NotFoundError
    return store.parts(upload.storage_key, upload.multipart_id)


def announced_parts(upload: Upload, said: Mapping[int, str]) -> list[Part]:
    """Return the parts of which the sender says number -> SHA-256 (base64), in order.

    Raises:
        InvalidInputError: there is no part of such a number.
    """
    sizes = cut(upload)
    return [Part(number, sizes.size_of(number), sha256) for number, sha256 in sorted(said.items())]


def join(
    storage: Storage,
    upload: Upload,
    announced: Iterable[Part],
    note: Callable[[str], None] = lambda _: None,
    noted: Callable[[], str | None] = lambda: None,
) -> str:
    """Put the parts together and look at the result; return its version. May be repeated.

    Storage I/O only; call it outside a transaction. ``note`` is called when all parts are here, before
    they are put together, with the sums that what they become must have; ``noted`` returns what an
    earlier try has noted.

    Raises:
        PartsMissingError: not everything is here as ``announced``; nothing was done.
        NotFoundError: neither the parts are here nor what was made of them.
        DigestMismatchError: something else was made of them.
        WrongContentError: it is no .tgz.
        DependencyError: asking again may work.
    """
    store = presigning(storage)
    try:
        have = arrived(store, upload)
    except NotFoundError:  # an earlier try came as far as joining them, perhaps not as far as comparing
        version = store.joined(upload.storage_key, upload.declared_bytes or 0, noted())
    else:
        parts = list(announced)
        if missing := _missing(upload, parts, have):
            raise PartsMissingError(missing)
        version = store.join_parts(upload.storage_key, upload.multipart_id or "", parts, note)
    check_content(storage, upload.storage_key)
    return version


def finish(work: Work, storage: Storage, upload: Upload, announced: Iterable[Part] = ()) -> Upload:
    """Put the parts together, look at the result, and seal the row: see `join`. May be repeated.

    ``work`` opens a unit of work of whoever completes it. When this returns, it may be acknowledged.

    Raises:
        PortalError: as `join` and `records.seal`.
    """

    def note(sums: str) -> None:  # whoever looks meanwhile sees that something happens
        with work() as uow:
            records.checkpoint(uow, upload.id, upload.declared_bytes or 0)
            _note_joining(uow, upload.id, sums)

    def noted() -> str | None:
        with work() as uow:
            joining = uow.session.scalar(select(Upload.joining).where(Upload.id == upload.id))
        return joining and joining["sums"]

    version = join(storage, upload, announced, note, noted)
    with work() as uow:
        return records.seal(uow, upload.id, size=upload.declared_bytes or 0, sha256=None, version=version)


def _note_joining(uow: UnitOfWork, upload_id: UUID, sums: str) -> None:
    """Note what must become of the parts, and what the actor came with, before it is asked for.

    So whoever finds later what has become of them can compare it, and knows whom to ask after.
    """
    by = uow.actor.came_by
    joining = {
        "sums": sums,
        "token": by.token_id and str(by.token_id),
        "issuer": by.issuer_id and str(by.issuer_id),
    }
    uow.session.execute(
        update(Upload)
        .where(Upload.id == upload_id, Upload.state == UploadState.RECEIVING)
        .values(joining=joining)
        .execution_options(synchronize_session=False)
    )


def came_by(upload: Upload) -> Pass:
    """Return what whoever asked for the joining came with; nothing, if nobody has."""
    by = upload.joining or {}
    token, issuer = by.get("token"), by.get("issuer")
    return Pass(token_id=token and UUID(token), issuer_id=issuer and UUID(issuer))


def _missing(upload: Upload, announced: Iterable[Part], have: Iterable[Part]) -> list[int]:
    """Return the numbers of the parts that were not announced, or are not here so."""
    here = {part.number: part for part in have}
    good = {part.number for part in announced if _same(here.get(part.number), part)}
    return [number for number in range(1, cut(upload).count + 1) if number not in good]


def _same(have: Part | None, announced: Part) -> bool:
    """Whether the store has the part. One that tells no checksum took nothing but what was signed."""
    return have is not None and have.size == announced.size and have.sha256 in {None, announced.sha256}
