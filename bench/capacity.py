"""How many tasks 10, 1,000 and 100,000 uploads a day need: a simulated day, at the scan's measured speed."""

import json
from math import ceil

from bench.capacity_cost import Use, monthly
from bench.capacity_model import HOURS, Fleet, Load, Outcome, simulate
from bench.report import RESULTS, Report, percentile

LOADS = (10, 1_000, 100_000)  # uploads a day
PATIENCE = (
    300.0  # seconds from acknowledgement to the scan's beginning that one in twenty may wait longer for
)
MEASURED = "sosreport-rabbitmq.tgz: scan"  # many small files: the slowest of what `bench scan` measures
FALLBACK = 60.0  # MB/s, of the run in docs/performance.md
TASK_SHARE = 0.25  # of the measuring machine's four cores, which the scan used, in a task of one vCPU
SIGNATURES = 0.5  # assumed: with ClamAV's full signatures a scan is half as fast as with EICAR's alone
# What runs however little there is to do: as terraform/envs/prod.tfvars has it.
LEAST_WORKERS, LEAST_WEB, LEAST_ACU = 2, 2, 1.0
SESSIONS = 0.02  # pages per second that people open for each upload of the busiest hour

METHOD = f"""
A model, not a measurement, but for the scan's speed ("{MEASURED}" of `bench scan`, of which
a task of one vCPU is taken to have {TASK_SHARE:g}, and {SIGNATURES:g} of that with full signatures).
Sizes are lognormal, median 10 MB, mean 31 MB, seven bytes of content for each byte sent; arrivals
follow an office day. What runs at least is what `envs/prod.tfvars` says. The table has the fewest
tasks (`worker.max`) with which no more than one upload in twenty waits longer than {PATIENCE:.0f} s, and
dollars a month at list prices, bundles kept for 90 days.
"""


def run() -> Report:
    speed, where = measured_speed()
    report = Report("capacity", f"{METHOD.rstrip()} Speed: {speed:.0f} MB/s, {where}.")
    for uploads in LOADS:
        _one(report, Load(uploads), speed * 1e6 * TASK_SHARE * SIGNATURES)
    return report


def measured_speed() -> tuple[float, str]:
    """Return MB of content per second, and where that comes from."""
    path = RESULTS / "scan.json"
    if path.exists():
        for figure in json.loads(path.read_text())["figures"]:
            if figure["what"] == MEASURED:
                return float(figure["value"]), "measured on this machine"
    return FALLBACK, "as docs/performance.md says; run `python -m bench scan` for this machine's"


def fewest(load: Load, speed: float) -> tuple[Fleet, Outcome]:
    """Return the smallest fleet with which few wait long, not less than production's, and its day."""

    def outcome(most: int) -> tuple[Fleet, Outcome]:
        fleet = Fleet(speed, least=max(LEAST_WORKERS, most // 4), most=most)
        return fleet, simulate(load, fleet)

    low, high = LEAST_WORKERS - 1, LEAST_WORKERS
    while percentile(outcome(high)[1].waits, 0.95) > PATIENCE:
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        if percentile(outcome(middle)[1].waits, 0.95) > PATIENCE:
            low = middle
        else:
            high = middle
    return outcome(high)


def _one(report: Report, load: Load, speed: float) -> None:
    fleet, day = fewest(load, speed)
    busiest = load.uploads * max(HOURS) / sum(HOURS)
    # A web task answers 100 pages a second; signing parts for senders is little beside that.
    web = max(LEAST_WEB, ceil(busiest * SESSIONS / 100))
    acu = max(LEAST_ACU, busiest / 2_000)
    costs = monthly(Use(load.uploads, day.bytes_sent, day.task_hours, web, acu))
    name = f"{load.uploads:,} a day"
    report.add(f"{name}: busiest hour", busiest, "uploads")
    report.add(f"{name}: sent", day.bytes_sent / 1e9, "GB")
    report.add(f"{name}: worker.min", fleet.least, "tasks")
    report.add(f"{name}: worker.max", fleet.most, "tasks")
    report.add(f"{name}: workers on average", day.task_hours / 24, "tasks")
    report.add(f"{name}: web", web, "tasks")
    report.add(f"{name}: wait for the scan, p50", percentile(day.waits, 0.5), "s")
    report.add(f"{name}: wait for the scan, p95", percentile(day.waits, 0.95), "s")
    report.add(f"{name}: longest wait", max(day.waits), "s")
    for what, dollars in costs.items():
        report.add(f"{name}: {what}", dollars, "$/month")
    report.add(f"{name}: together", sum(costs.values()), "$/month")
