"""Attack the figures that viewers are shown: `tools/attack_disclosure.py --worlds 2000`."""

import argparse
import datetime
import sys
import time
import types
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def main() -> int:
    """Attack many worlds with the adversary of the tests, and print what it recovered."""
    package = types.ModuleType("tests")  # as under pytest
    package.__path__ = [str(ROOT / "tests")]
    sys.modules["tests"] = package
    from tests.server.access import adversary

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--worlds", type=int, default=100)
    parser.add_argument("--first", type=int, default=0, help="first seed")
    parser.add_argument("--share", type=float, default=1.0, help="share of the questions that are asked")
    asked = parser.parse_args()
    began, bad, figures, equations, missed = time.monotonic(), 0, 0, 0, 0
    for seed in range(asked.first, asked.first + asked.worlds):
        found, recovered = adversary.attack(seed, asked.share)
        figures += found.figures
        equations += sum(map(len, found.equations.values()))
        missed += len(found.unexplained)
        if recovered:
            bad += 1
            print(f"world {seed}: {len(recovered)} recovered, the first {recovered[0]}", flush=True)
    now = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    of_worlds = f"worlds {asked.first} to {asked.first + asked.worlds - 1}"
    print(
        f"{now} {of_worlds} in {time.monotonic() - began:.0f} s: {figures} figures, {equations} equations, "
        f"{missed} figures of which no sum was found; {bad} worlds in which a device was recovered"
    )
    return 1 if bad else 0


if __name__ == "__main__":
    raise SystemExit(main())
