"""The files that the MSI installs, laid out in a folder: Python without what is not needed, and the agent."""

from __future__ import annotations

import io
import shutil
import zipfile
from collections.abc import Mapping
from pathlib import Path

from wine import Program, environment, windows_path

ROOT = Path(__file__).resolve().parents[2]
DATE = (1980, 1, 1, 0, 0, 0)
PYTHON_LEFT_OUT = frozenset(
    {"pythonw.exe", "python.cat", "_decimal.pyd", "_elementtree.pyd", "_multiprocessing.pyd", "_wmi.pyd",
     "pyexpat.pyd", "winsound.pyd"}
)  # fmt: skip
LIBRARY_LEFT_OUT = frozenset(
    {"__hello__", "__phello__", "_aix_support", "_android_support", "_apple_support", "_ios_support",
     "_osx_support", "_pydecimal", "_pyio", "_pyrepl", "antigravity", "bdb", "cProfile", "cmd", "code",
     "codeop", "colorsys", "compileall", "configparser", "csv", "curses", "dbm", "decimal", "difflib",
     "doctest", "filecmp", "fileinput", "fractions", "ftplib", "getopt", "graphlib", "imaplib", "mailbox",
     "modulefinder", "multiprocessing", "netrc", "optparse", "pdb", "pickletools", "plistlib", "poplib",
     "pprint", "profile", "pstats", "pty", "pyclbr", "pydoc", "pydoc_data", "rlcompleter", "sched", "shelve",
     "site-packages", "smtplib", "sre_compile", "sre_constants", "sre_parse", "statistics", "symtable",
     "sysconfig", "tabnanny", "this", "timeit", "trace", "tracemalloc", "tty", "turtle", "unittest", "wave",
     "webbrowser", "wsgiref", "xml", "xmlrpc", "zipapp"}
)  # fmt: skip
PACKAGES_LEFT_OUT = frozenset({"bin", "cpuinfo"})
"""py-cpuinfo is asked on Linux alone."""
PARTS_LEFT_OUT = (
    "certifi/tests", "psutil/tests", "psutil/_pslinux.py", "psutil/_psosx.py", "psutil/_psbsd.py",
    "psutil/_psaix.py", "psutil/_pssunos.py", "psutil/_psposix.py",
)  # fmt: skip
_LAUNCHER = '@"%~dp0python.exe" -m parcimetre_agent %*\r\n'


def lay_out(target: Path, python: Mapping[str, bytes], libraries: Path, prefix: Path, work: Path) -> None:
    """Fill an absent folder with all of the product's files."""
    target.mkdir(parents=True)
    _lay_out_python(target, python)
    sources = _sources(libraries, work / "sources")
    compiled = _compiled(sources, python, prefix, work)
    for package in sorted(sources.iterdir()):
        others = [file for file in package.rglob("*") if file.is_file() and file.suffix != ".py"]
        if others:
            shutil.copytree(compiled / package.name, target / package.name)
            for file in others:
                copy = target / file.relative_to(sources)
                copy.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(file, copy)
            shutil.rmtree(compiled / package.name)
    _archive(
        target / "lib.zip", {str(path.relative_to(compiled)): path.read_bytes() for path in _files(compiled)}
    )
    (target / "parcimetre-agent.cmd").write_bytes(_LAUNCHER.encode())
    (target / "LICENCES.txt").write_text(_licences(libraries), encoding="utf-8", newline="\r\n")


def _lay_out_python(target: Path, python: Mapping[str, bytes]) -> None:
    for name, content in python.items():
        if name.endswith(".zip"):
            _archive(target / name, _library(content))
        elif name.endswith("._pth"):
            library = name.replace("._pth", ".zip")
            (target / name).write_text(f"{library}\r\nlib.zip\r\n.\r\n", newline="")
        elif name not in PYTHON_LEFT_OUT:
            (target / name.replace("LICENSE.txt", "LICENSE-Python.txt")).write_bytes(content)


def _library(content: bytes) -> dict[str, bytes]:
    """The standard library's modules that are kept."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        kept = [n for n in archive.namelist() if n.split("/")[0].removesuffix(".pyc") not in LIBRARY_LEFT_OUT]
        return {name: archive.read(name) for name in kept if not name.endswith("/")}


def _sources(libraries: Path, target: Path) -> Path:
    """The agent and its libraries, without what this system never loads."""
    dropped = shutil.ignore_patterns("__pycache__", "*.pyi", "py.typed", "*.dist-info")
    for package in (*sorted(libraries.iterdir()), ROOT / "agent" / "parcimetre_agent"):
        if package.name in PACKAGES_LEFT_OUT or package.name.endswith((".dist-info", ".lock")):
            continue
        if package.is_dir():
            shutil.copytree(package, target / package.name, ignore=dropped)
        elif package.suffix == ".py":
            shutil.copy(package, target / package.name)
    for part in PARTS_LEFT_OUT:
        path = target / part
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    return target


def _compiled(sources: Path, python: Mapping[str, bytes], prefix: Path, work: Path) -> Path:
    """The sources as byte code, made by the Python that will run it."""
    interpreter, target = work / "python", work / "compiled"
    interpreter.mkdir()
    for name, content in python.items():
        (interpreter / name).write_bytes(content)
    script = Path(__file__).with_name("compile_tree.py")
    command = [interpreter / "python.exe", *map(windows_path, (script, sources, target))]
    code, out, err = Program([*command], environment(prefix), work).ended()
    if code:
        raise SystemExit(f"the agent could not be compiled: {(out + err).strip()[-1000:]}")
    return target


def _licences(libraries: Path) -> str:
    """Ours and those of the libraries, in one text."""
    texts = [("Parcimetre agent", ROOT / "LICENSE")]
    for folder in sorted(libraries.glob("*.dist-info")):
        name = folder.name.split("-")[0]
        texts += [
            (name, file) for file in _files(folder) if file.name.upper().startswith(("LICEN", "COPYING"))
        ]
    return "\n\n".join(f"{'=' * 70}\n{name}\n{'=' * 70}\n{file.read_text('utf-8')}" for name, file in texts)


def _files(folder: Path) -> list[Path]:
    return sorted(file for file in folder.rglob("*") if file.is_file())


def _archive(path: Path, files: Mapping[str, bytes]) -> None:
    """A ZIP that is the same in every build; not compressed, for the cabinet compresses."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for name in sorted(files):
            archive.writestr(zipfile.ZipInfo(name, DATE), files[name])
