"""Hold the code to the sizes of the house: files, functions, docstrings of what is public."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("factors/parcimetre_factors", "agent/parcimetre_agent", "server/parcimetre_server")
MAX_FILE_LINES = 500
MAX_FUNCTION_LINES = 60


def main() -> None:
    """Print what is too long or undocumented; exit code 1 if anything is."""
    findings = [finding for file in sources() for finding in check(file)]
    print("\n".join(findings) or "sizes: all files and functions within the house's measures")
    sys.exit(bool(findings))


def sources() -> Iterator[Path]:
    """Every Python file of the project."""
    for folder in (*PACKAGES, "tests", "bench", "tools"):
        yield from sorted((ROOT / folder).rglob("*.py"))


def check(file: Path) -> Iterator[str]:
    """Findings of one file."""
    text = file.read_text(encoding="utf-8")
    name = file.relative_to(ROOT)
    lines = text.count("\n")
    if lines > MAX_FILE_LINES:
        yield f"{name}: {lines} lines, at most {MAX_FILE_LINES}: split it by concept"
    shipped = name.as_posix().startswith(PACKAGES)
    tree = ast.parse(text)
    if shipped and text.strip() and not ast.get_docstring(tree):
        yield f"{name}: no docstring says what concept this file is"
    for node in ast.walk(tree):
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            continue
        length = (node.end_lineno or node.lineno) - node.lineno + 1
        if length > MAX_FUNCTION_LINES and not isinstance(node, ast.ClassDef):
            yield f"{name}:{node.lineno} {node.name}: {length} lines, at most {MAX_FUNCTION_LINES}"
        if shipped and not node.name.startswith("_") and not ast.get_docstring(node):
            yield f"{name}:{node.lineno} {node.name}: public, and no docstring"


if __name__ == "__main__":
    main()
