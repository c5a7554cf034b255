"""Why a bundle cannot be read to its end. None of these ever leads to CLEAN."""

from app.domain.verdict import Obstacle

AGAIN = "Please create it again and send it once more."


class BundleError(Exception):
    """``reason`` is one or two sentences for people, ``obstacle`` the same for programs."""

    def __init__(self, reason: str, obstacle: Obstacle) -> None:
        super().__init__(reason)
        self.reason = reason
        self.obstacle = obstacle


class DamagedBundleError(BundleError):
    """Cut off or altered on its way: the same bundle packed anew will do.

    ``agreed``: every reader sees the same up to the damage, and nothing after it.
    """

    def __init__(self, offset: int, what: str, *, agreed: bool = True) -> None:
        """``offset`` is in bytes of the file as it was sent."""
        super().__init__(f"The archive is damaged at byte {offset:,}: {what}. {AGAIN}", Obstacle.DAMAGED)
        self.agreed = agreed


class MalformedBundleError(BundleError):
    """Two programs would see two different things in it, so a scan of it proves nothing."""

    def __init__(self, offset: int, what: str) -> None:
        """``offset`` is in bytes of the file as it was sent."""
        super().__init__(
            f"The archive is not well-formed near byte {offset:,}: {what}. {AGAIN}", Obstacle.MALFORMED
        )


class OverBudgetError(BundleError):
    """It unfolds into more than anybody agreed to read."""

    def __init__(self, obstacle: Obstacle, what: str) -> None:
        super().__init__(f"The archive {what}. Please send it in smaller parts.", obstacle)
