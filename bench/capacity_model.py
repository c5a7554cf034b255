"""A day of uploads in front of worker tasks that come and go: how long they wait, and what it costs.

Arrivals are Poisson with the hours of an office day; sizes are lognormal; each task scans one bundle after
the other, first come first served; tasks are added and removed as target tracking does.
"""

import heapq
import random
from collections import deque
from dataclasses import dataclass
from math import ceil, inf, log
from typing import Final

DAY: Final = 86_400
MIB: Final = 1024**2
#: Share of a day's uploads in each hour: a European office day. The busiest hour has a tenth of them.
HOURS: Final = (1, 1, 1, 1, 1, 2, 3, 6, 11, 13, 14, 12, 9, 11, 13, 12, 10, 7, 4, 3, 2, 2, 1, 1)


@dataclass(frozen=True, slots=True)
class Load:
    """Uploads of a day; sizes in bytes as they are sent; ``expands`` is bytes of content per byte sent."""

    uploads: int
    median: float = 10e6
    spread: float = 1.5  # sigma of the logarithm: the mean is three times the median
    largest: float = 20e9
    expands: float = 7.0

    def sizes(self, chance: random.Random, count: int) -> list[float]:
        return [min(chance.lognormvariate(log(self.median), self.spread), self.largest) for _ in range(count)]


@dataclass(frozen=True, slots=True)
class Fleet:
    """Worker tasks: ``speed`` in bytes of content per second each, times in seconds."""

    speed: float
    least: int = 1
    most: int = 6
    backlog: float = 5.0  # waiting uploads for each task that scaling aims at
    fixed: float = 1.0  # of a job, whatever its size
    starts_in: float = 240.0  # a task, its image and clamd's signatures
    looks_every: float = 60.0  # scaling, at the metric
    shrinks_after: float = 900.0  # of less work than there are tasks


@dataclass(frozen=True, slots=True)
class Outcome:
    """Waits from acknowledgement to the beginning of the scan in seconds; ``task_hours`` of the whole day."""

    waits: list[float]
    bytes_sent: float
    task_hours: float
    most_tasks: int


class _Day:
    """The tasks of one day, and who waits for them."""

    def __init__(self, fleet: Fleet) -> None:
        self.fleet = fleet
        self.waiting: deque[tuple[float, float]] = deque()  # arrived at, seconds of work
        self.waits: list[float] = []
        self.busy: list[float] = []  # when each bundle under way is done
        self.starting: list[float] = []  # when each new task can begin
        self.tasks = self.most = fleet.least
        self.task_seconds = 0.0
        self.now = 0.0
        self._enough_since = 0.0

    def until(self, moment: float) -> None:
        """Let everything happen that ends before ``moment``."""
        while (next_ := min((*self.busy[:1], *self.starting[:1]), default=inf)) <= moment:
            self._pass(next_)
            if self.busy and self.busy[0] <= next_:
                heapq.heappop(self.busy)
            else:
                heapq.heappop(self.starting)
                self.tasks += 1
            self._begin()
        self._pass(moment)

    def arrive(self, work: float) -> None:
        self.waiting.append((self.now, work))
        self._begin()

    def scale(self) -> None:
        """Add tasks for the backlog; take one away when there has been too little to do for long."""
        wanted = ceil(len(self.waiting) / self.fleet.backlog)
        there = self.tasks + len(self.starting)
        if wanted > there:
            for _ in range(min(wanted, self.fleet.most) - there):
                heapq.heappush(self.starting, self.now + self.fleet.starts_in)
        if wanted >= there or len(self.busy) == self.tasks:
            self._enough_since = self.now
        elif self.now - self._enough_since >= self.fleet.shrinks_after and self.tasks > self.fleet.least:
            self.tasks -= 1  # one that is idle: a scan protects its task
        self.most = max(self.most, self.tasks)

    def _pass(self, moment: float) -> None:
        self.task_seconds += (self.tasks + len(self.starting)) * (moment - self.now)
        self.now = moment

    def _begin(self) -> None:
        while self.waiting and len(self.busy) < self.tasks:
            arrived, work = self.waiting.popleft()
            self.waits.append(self.now - arrived)
            heapq.heappush(self.busy, self.now + work)


def simulate(load: Load, fleet: Fleet, seed: int = 1) -> Outcome:
    """Return what one day is like. The same seed gives the same day."""
    chance = random.Random(seed)
    hours = chance.choices(range(24), weights=HOURS, k=load.uploads)
    arrivals = sorted(3600 * hour + chance.uniform(0, 3600) for hour in hours)
    sizes = load.sizes(chance, load.uploads)
    day = _Day(fleet)
    look = fleet.looks_every
    for at, size in zip(arrivals, sizes, strict=True):
        while look <= at:
            day.until(look)
            day.scale()
            look += fleet.looks_every
        day.until(at)
        day.arrive(fleet.fixed + size * load.expands / fleet.speed)
    while day.waiting or look <= DAY:
        day.until(look)
        day.scale()
        look += fleet.looks_every
    return Outcome(day.waits, sum(sizes), day.task_seconds / 3600, day.most)
