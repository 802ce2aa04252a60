"""NVML against a small library of the same calls, compiled for the test."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from parcimetre_agent.base.outcome import Denied, Failed, NoData, Ok
from parcimetre_agent.power import nvml

LIBRARY = """
#include <stdio.h>
static void note(const char *what) { FILE *f = fopen(LOG, "a"); fputs(what, f); fclose(f); }
int nvmlInit_v2(void) { note("open "); return INIT; }
int nvmlShutdown(void) { note("close "); return 0; }
int nvmlDeviceGetCount_v2(unsigned *n) { *n = 2; return 0; }
int nvmlDeviceGetHandleByIndex_v2(unsigned i, void **h) { *h = (void *)(long)(i + 1); return 0; }
int nvmlDeviceGetTotalEnergyConsumption(void *h, unsigned long long *mj) {
    if ((long)h == 2) return SECOND;
    *mj = 5000000000000ULL;
    return 0;
}
"""


@pytest.fixture
def pci(tmp_path: Path) -> Path:
    card = tmp_path / "pci" / "0000:01:00.0"
    (card / "power").mkdir(parents=True)
    (card / "vendor").write_text("0x10de\n")
    (card / "class").write_text("0x030000\n")
    (card / "power" / "runtime_status").write_text("active\n")
    return tmp_path / "pci"


def _driver(folder: Path, monkeypatch: pytest.MonkeyPatch, init: int = 0, second: int = 3) -> Path:
    """Build the library that stands for NVIDIA's; the file where it notes what was called."""
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("no C compiler to build the library that stands for NVIDIA's")
    source, built, log = folder / "nvml.c", folder / f"nvml{init}{second}.so", folder / "log"
    source.write_text(LIBRARY)
    defines = [f'-DLOG="{log}"', f"-DINIT={init}", f"-DSECOND={second}"]
    subprocess.run([compiler, "-shared", "-fPIC", *defines, "-o", built, source], check=True)
    monkeypatch.setattr(nvml, "LIBRARY", str(built))
    return log


def test_adapter_that_counts_is_read_in_joules_and_nvml_closed(
    tmp_path: Path, pci: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = _driver(tmp_path, monkeypatch)
    outcome = nvml.read(str(pci))
    assert isinstance(outcome, Ok)
    assert [(one.scope, one.zone, one.energy_j) for one in outcome.value] == [("gpu", "gpu-0", 5e9)]
    assert log.read_text() == "open close "


def test_sleeping_adapter_is_not_woken(tmp_path: Path, pci: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = _driver(tmp_path, monkeypatch)
    (pci / "0000:01:00.0" / "power" / "runtime_status").write_text("suspended\n")
    assert isinstance(nvml.read(str(pci)), NoData)
    assert not log.exists()


@pytest.mark.parametrize(
    ("codes", "kind"), [({"init": 4}, Denied), ({"second": 4}, Denied), ({"init": 9}, Failed)]
)
def test_driver_that_says_no_is_reported(
    tmp_path: Path, pci: Path, monkeypatch: pytest.MonkeyPatch, codes: dict[str, int], kind: type
) -> None:
    _driver(tmp_path, monkeypatch, **codes)
    assert isinstance(nvml.read(str(pci)), kind)


def test_without_the_driver_there_is_no_data(pci: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nvml, "LIBRARY", "libparcimetre-none.so.1")
    assert isinstance(nvml.read(str(pci)), NoData)


def test_machine_without_such_an_adapter_does_not_load_ctypes(tmp_path: Path) -> None:
    script = (
        "import sys; from parcimetre_agent.power import nvml;"
        f"nvml.read({str(tmp_path)!r}); print('ctypes' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
