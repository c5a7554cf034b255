"""`python -m bench [part ...]`: measure, print the tables, write bench/results/<part>.json."""

import argparse
import importlib
import time

from bench.machine import describe

PARTS = (
    "upload",
    "senders",
    "slow",
    "giant",
    "download",
    "verdict",
    "telling",
    "scan",
    "files",
    "metrics",
    "backlog",
    "capacity",
)


def main() -> None:
    """Exit with 1 when a target was missed."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="part", help=f"of {', '.join(PARTS)}; all by default")
    chosen = parser.parse_args().parts or PARTS
    if unknown := set(chosen) - set(PARTS):
        parser.error(f"no part is called {', '.join(sorted(unknown))}")
    print(f"Machine: {describe()}")
    print("Load of other programs spoils every figure but the ratios, and those too when it changes.")
    missed = 0
    for part in chosen:
        start = time.perf_counter()
        report = importlib.import_module(f"bench.{part}").run()
        report.show()
        print(f"\n  {report.save()}, {time.perf_counter() - start:.0f} s")
        missed += report.missed
    print(f"\n{'All targets met.' if not missed else f'{missed} targets missed.'}")
    raise SystemExit(bool(missed))


if __name__ == "__main__":
    main()
