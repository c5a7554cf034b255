"""How much work one bundle may cause."""

import time
from dataclasses import dataclass

from app.bundle.errors import OverBudgetError
from app.domain.verdict import Obstacle

# Even a bundle of nothing but zeros may unfold to this many bytes: small things are no bombs.
ALWAYS_ALLOWED = 16 * 1024**2


@dataclass(frozen=True, slots=True)
class Budget:
    """Limits for the examination of one bundle, archives within it included."""

    ratio: int = 200  # expanded bytes per byte of the file
    expanded: int = 50 * 10**9  # bytes, tar headers and padding included
    members: int = 1_000_000
    path: int = 4_096  # bytes of one member's path, or of what a link points to
    seconds: float = 3_600.0
    depth: int = 4  # archives within archives that are opened here; the scanner opens deeper ones


class Meter:
    """Measures one pass against its budget, archives within the archive included."""

    def __init__(self, budget: Budget, started: float | None = None) -> None:
        """``started`` is when the first pass began, by the monotonic clock."""
        self.budget = budget
        self._read = 0
        self._expanded = 0
        self._members = 0
        self._started = time.monotonic() if started is None else started

    @property
    def seconds(self) -> float:
        return time.monotonic() - self._started

    def read(self, size: int) -> None:
        """Count bytes of the file."""
        self._read += size

    def expanded(self, size: int) -> None:
        """Count bytes that gunzip gave. Raises OverBudgetError."""
        self._expanded += size
        if self._expanded > self.budget.expanded:
            raise OverBudgetError(
                Obstacle.TOO_LARGE, f"unfolds into more than {self.budget.expanded:,} bytes"
            )
        if self._expanded > max(ALWAYS_ALLOWED, self._read * self.budget.ratio):
            raise OverBudgetError(
                Obstacle.TOO_LARGE, f"unfolds into more than {self.budget.ratio:,} times its own size"
            )
        self.time()

    def member(self) -> None:
        """Count one more entry. Raises OverBudgetError."""
        self._members += 1
        if self._members > self.budget.members:
            raise OverBudgetError(
                Obstacle.TOO_MANY_FILES, f"holds more than {self.budget.members:,} files and folders"
            )
        self.time()

    def path(self, size: int) -> None:
        """Check a path of ``size`` bytes. Raises OverBudgetError."""
        if size > self.budget.path:
            raise OverBudgetError(
                Obstacle.PATH_TOO_LONG, f"holds a path longer than {self.budget.path:,} bytes"
            )

    def time(self) -> None:
        """Raise OverBudgetError when the examination has taken too long."""
        if self.seconds > self.budget.seconds:
            raise OverBudgetError(
                Obstacle.TOO_SLOW, f"takes longer than {self.budget.seconds:,.0f} seconds to check"
            )
