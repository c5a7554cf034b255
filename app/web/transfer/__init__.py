"""Ways in for bytes: the form, the raw body, tus. All of them end in `door`."""

import app.web.transfer.direct
import app.web.transfer.raw
import app.web.transfer.tus  # noqa: F401  # their routes hang on the blueprint
from app.web.transfer.blueprint import blueprint

__all__ = ["blueprint"]
