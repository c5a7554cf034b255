"""What it was measured on."""

import os
import platform
import shutil
import subprocess
from importlib.metadata import version
from pathlib import Path

import psutil


def facts() -> dict[str, str | int | float]:
    """Return the machine's facts; ``load`` is the 1-minute load average now, which ought to be small."""
    return {
        "cpu": _cpu(),
        "cores": os.cpu_count() or 0,
        "memory_gb": round(psutil.virtual_memory().total / 1e9),
        "disk": _file_system(Path(__file__).parent),
        "kernel": platform.release(),
        "python": platform.python_version(),
        "gunicorn": version("gunicorn"),
        "postgres": _postgres(),
        "load": round(os.getloadavg()[0], 1),
    }


def describe() -> str:
    """Return the facts in one line."""
    return ", ".join(f"{name} {value}" for name, value in facts().items())


def _cpu() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.machine())


def _file_system(path: Path) -> str:
    mounts = [mount for mount in psutil.disk_partitions(all=True) if path.is_relative_to(mount.mountpoint)]
    mount = max(mounts, key=lambda each: len(each.mountpoint), default=None)
    return f"{mount.fstype} on {mount.device}" if mount else "unknown"


def _postgres() -> str:
    programs = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"))
    program = str(programs[-1]) if programs else shutil.which("postgres")
    if program is None:
        return "absent"
    said = subprocess.run([program, "--version"], capture_output=True, text=True, check=False).stdout
    return said.split()[-1] if "(Debian" not in said else said.split()[2]
