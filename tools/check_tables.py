"""Hold the factor tables to their rules: what a figure must have before it may enter.

usage: check_tables.py [FOLDER]
"""

from __future__ import annotations

import sys
from pathlib import Path

from parcimetre_factors.errors import BadFactorRow
from parcimetre_factors.tables.check import faults_of, unused_sources
from parcimetre_factors.tables.factor_set import SHIPPED, load_factor_set


def main(folder: Path) -> None:
    """Print every fault; exit code 1 if there is one."""
    try:
        factors = load_factor_set(folder)
    except BadFactorRow as error:
        raise SystemExit(str(error)) from error
    faults = [*faults_of(factors), *unused_sources(factors)]
    print("\n".join(faults) or f"tables: {len(factors.factors)} factors of set {factors.id} are in order")
    sys.exit(bool(faults))


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else SHIPPED)
