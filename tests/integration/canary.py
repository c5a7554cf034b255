"""What a hostile job would call: it leaves a file behind."""

import os
from pathlib import Path


def sing(*_args: object, **_kwargs: object) -> None:
    Path(os.environ["CANARY"]).touch()
