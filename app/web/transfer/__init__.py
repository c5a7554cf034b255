"""Ways in for bytes: the form, the raw body, tus. All of them end in `door`."""

from app.web.transfer import raw, tus
from app.web.transfer.blueprint import blueprint

__all__ = ["blueprint", "raw", "tus"]
