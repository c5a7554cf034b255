"""Bundles that are held back."""

from app.domain.lifecycle import UploadState
from app.domain.policy import Actor, Role
from app.models import Scan, Upload
from app.queries import uploads
from app.services import quarantine
from app.system import System
from tests.factories.bundles import make_tgz
from tests.factories.people import make_actor
from tests.factories.uploads import make_upload

REASON = "The customer is down, and the case cannot wait."
VIRUS = "var/log/mail.log"
OTHERS = {"etc/hostname": b"web-01\n", "var/log/messages": b"all is well\n"}


def make_infected(system: System, owner: Actor, filename: str = "bundle.tgz") -> Upload:
    """Make a bundle whose second member is infected, and of which all else is proven clean."""
    first, *rest = OTHERS.items()
    content = make_tgz(dict([first, (VIRUS, b"fake-malware"), *rest]))
    upload = make_upload(system, owner, UploadState.INFECTED, content=content, filename=filename)
    with system.work() as uow:
        scan = uow.session.get_one(Scan, upload.id)
        scan.complete = True
        scan.findings = [{"member": VIRUS, "signature": "Fake.Malware", "entry": 1}]
    return get(system, upload)


def make_released(system: System, owner: Actor) -> Upload:
    """Make a bundle that could not be checked, and that an engineer released."""
    upload = make_upload(system, owner, UploadState.UNSCANNABLE)
    with system.work(make_actor(system, Role.ENGINEER)) as uow:
        return quarantine.release(uow, upload.id, REASON)


def get(system: System, upload: Upload) -> Upload:
    """Return the upload as it is now."""
    with system.work() as uow:
        uow.session.expire_all()
        return uploads.get(uow.session, uow.actor, upload.id)
