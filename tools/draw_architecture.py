"""Draw the wings of each distribution into the architecture pages, from the contracts of pyproject.toml.

`--check` writes nothing and exits with 1 where a page does not show the contracts. Standard library only.
"""

from __future__ import annotations

import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAGES = tuple(ROOT / "docs" / language / "architecture.md" for language in ("en", "fr"))
FOLDERS = {"parcimetre_server": "server", "parcimetre_agent": "agent", "parcimetre_factors": "factors"}
PICTURE = re.compile(r"(<!-- wings of (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)


def main() -> None:
    """Write the pictures, or check them."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]
    layers = {
        contract["containers"][0]: contract["layers"]
        for contract in contracts["contracts"]
        if contract["type"] == "layers" and "containers" in contract
    }
    if "--check" not in sys.argv:
        for page in PAGES:
            page.write_text(drawn(page, layers), encoding="utf-8")
        return
    stale = [page for page in PAGES if drawn(page, layers) != page.read_text(encoding="utf-8")]
    for page in stale:
        print(f"{page.relative_to(ROOT)} does not show the import contracts: run tools/draw_architecture.py")
    sys.exit(bool(stale))


def drawn(page: Path, layers: dict[str, list[str]]) -> str:
    """Return the text of a page with the floors of each distribution that it has a place for."""
    text = page.read_text(encoding="utf-8")
    return PICTURE.sub(lambda match: f"{match[1]}{picture(match[2], layers[match[2]])}{match[3]}", text)


def picture(package: str, floors: list[str]) -> str:
    """Return a fenced block with one line a floor, the highest first."""
    lines = [f"{FOLDERS[package]}/{package}/", *rows(floors)]
    return "```text\n" + "\n".join(lines) + "\n```\n"


def rows(floors: list[str]) -> Iterator[str]:
    """Yield the floors, the highest first: wings that do not know each other stand side by side."""
    for number, floor in zip(range(len(floors), 0, -1), floors, strict=True):
        yield f"  {number:>2} │ {floor.replace('|', '·')}"


if __name__ == "__main__":
    main()
