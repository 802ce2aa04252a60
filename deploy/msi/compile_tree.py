"""Compile a tree of Python for the interpreter that runs this: the very one that will load it.

`python.exe compile_tree.py FROM TO`. Byte code names no folder and no date of the build, so that two builds
are the same; without docstrings and assertions it takes less memory on the fleet.
"""

import pathlib
import py_compile
import sys

source, target = map(pathlib.Path, sys.argv[1:])
for file in sorted(source.rglob("*.py")):
    path = file.relative_to(source)
    compiled = target / path.with_suffix(".pyc")
    compiled.parent.mkdir(parents=True, exist_ok=True)
    py_compile.compile(
        str(file), str(compiled), path.as_posix(), doraise=True, optimize=2,
        invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH,
    )  # fmt: skip
