"""What holds for all of the agent: its contract, its memory, its privacy, its Python."""

import ast
import inspect
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import parcimetre_agent
import pytest
from parcimetre_agent import power
from parcimetre_agent.base import loading
from parcimetre_agent.base.outcome import Denied, Failed, NoData, Ok
from parcimetre_agent.metering.counters import Counter
from parcimetre_agent.recording.slot import SAMPLE_FIELDS
from parcimetre_agent.report import Inventory
from parcimetre_agent.sensors import activity
from parcimetre_agent.sensors import inventory as inventory_sensors
from parcimetre_agent.sensors.machine import Machine

SOURCE = Path(parcimetre_agent.__file__).parent
FILES = sorted(SOURCE.rglob("*.py"))
SCOPES = {"package", "dram", "gpu", "platform", "battery", "psu_dc", "wall_ac"}
FORBIDDEN_IN_RESIDENT = {
    *(
        "parcimetre_agent.report",
        "parcimetre_agent.sending.transport",
        "parcimetre_agent.configuration.settings",
        "parcimetre_agent.cli",
    ),
    *(
        "dataclasses",
        "pathlib",
        "argparse",
        "hashlib",
        "logging",
        "httpx",
        "ssl",
        "asyncio",
        "annotated_types",
        "random",
    ),
}
PEERING = re.compile(
    r"evdev|/dev/input|xprintidle|GetLastInputInfo|idlehint|LockedHint|utmp|/etc/passwd|getpwuid|getlogin|getuser"
    r"|psutil\.(users|process_iter|pids|net_if_addrs|net_connections)|cmdline|ifconfig|gethostbyname|IPv[46]"
    r"|/proc/\[0-9\]|clipboard|screenshot|ssid|window_?title",
    re.IGNORECASE,
)


def _name(module: ModuleType) -> str:
    return module.__name__.removeprefix("parcimetre_agent.")


@pytest.mark.parametrize("module", loading.load(activity, "linux"), ids=_name)
def test_activity_sensor_answers_with_sample_fields(module: ModuleType) -> None:
    outcome = module.read()
    assert isinstance(outcome, (Ok, NoData, Denied, Failed))
    assert module.__doc__
    if isinstance(outcome, Ok):
        assert set(outcome.value) <= SAMPLE_FIELDS


@pytest.mark.parametrize("module", loading.load(inventory_sensors, "linux"), ids=_name)
@pytest.mark.parametrize("name", ["laptop", "rack_server", "virtual_machine"])
def test_inventory_sensor_answers_with_inventory_fields(
    module: ModuleType, name: str, request: pytest.FixtureRequest
) -> None:
    outcome = module.read(Machine(request.getfixturevalue(name)))
    assert isinstance(outcome, (Ok, NoData, Denied, Failed))
    if isinstance(outcome, Ok):
        assert set(outcome.value) <= set(Inventory.__dataclass_fields__)


@pytest.mark.parametrize("module", loading.load(power, "linux"), ids=_name)
def test_power_source_states_source_quality_and_scope(module: ModuleType, laptop: Path) -> None:
    assert module.QUALITY in ("measured", "vendor_estimate", "modelled")
    (root,) = inspect.signature(module.read).parameters.values()
    outcome = module.read(str(laptop / root.default.lstrip("/")))
    assert isinstance(outcome, (Ok, NoData))
    for counter in outcome.value if isinstance(outcome, Ok) else []:
        assert isinstance(counter, Counter)
        assert (counter.source, counter.quality) == (module.SOURCE, module.QUALITY)
        assert counter.scope in SCOPES
        assert counter.ceiling_w > 0


@pytest.mark.parametrize("module", loading.load(power, "linux"), ids=_name)
def test_power_source_has_no_data_on_a_machine_without_it(module: ModuleType, tmp_path: Path) -> None:
    assert isinstance(module.read(str(tmp_path)), NoData)


@pytest.mark.parametrize("package", [activity, inventory_sensors, power], ids=_name)
def test_modules_of_windows_keep_the_contract_as_far_as_it_shows_here(package: ModuleType) -> None:
    for module in loading.load(package, "windows"):
        given = list(inspect.signature(module.read).parameters.values())
        asked = given[1:] if package is inventory_sensors else given
        assert module.__doc__
        assert all(one.default is not inspect.Parameter.empty for one in asked), module.__name__
        if package is power:
            assert module.SOURCE
            assert module.QUALITY in ("measured", "vendor_estimate", "modelled")


@pytest.mark.parametrize(
    ("name", "system", "suits"),
    [("rapl_linux", "windows", False), ("rapl_linux", "linux", True), ("memory", "macos", True)],
)
def test_file_name_says_where_a_sensor_is_loaded(name: str, system: str, suits: bool) -> None:
    assert loading.suits(name, system) is suits


def test_resident_loads_nothing_it_does_not_need() -> None:
    script = (
        "import sys; from parcimetre_agent.recording import sampling;"
        "from parcimetre_agent.service import resident; s = sampling.Sampler();"
        "from parcimetre_agent.machine.clock import Clock; s.sample(Clock().now()); print(*sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert not FORBIDDEN_IN_RESIDENT & set(done.stdout.split())


def test_no_module_looks_at_people() -> None:
    for file in FILES:
        found = PEERING.search(file.read_text())
        assert found is None, f"{file.relative_to(SOURCE)} mentions {found.group() if found else ''}"


def test_host_name_is_read_in_one_place_and_only_on_request() -> None:
    places = [file.name for file in FILES if "gethostname" in file.read_text()]
    assert places == ["enrolment.py"]
    assert (
        "socket.gethostname() if settings.send_hostname else None"
        in (SOURCE / "sending/enrolment.py").read_text()
    )


def test_time_is_read_in_one_place() -> None:
    calls = {
        *(("time", name) for name in ("time", "monotonic", "clock_gettime", "perf_counter")),
        *(("datetime", name) for name in ("now", "utcnow", "today")),
    }
    readers = {
        file.name
        for file in FILES
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and (node.value.id, node.attr) in calls
    }
    assert readers == {"clock.py"}


def test_package_compiles_and_works_on_python_3_9(tmp_path: Path) -> None:
    python, env = shutil.which("python3.9"), os.environ | {"PYENV_VERSION": "3.9"}
    if python is None or subprocess.run([python, "-c", ""], check=False, env=env).returncode:
        pytest.skip("python3.9 is not installed")
    script = (
        "import sys, pathlib\n"
        "for name in sys.argv[1:]: compile(pathlib.Path(name).read_text(encoding='utf-8'), name, 'exec')\n"
        "from parcimetre_agent.base import errors\n"
        "from parcimetre_agent.power import rapl_linux\n"
        "from parcimetre_agent.recording import spool, states, timeline\n"
        "from parcimetre_agent.sending import schedule\n"
    )
    done = subprocess.run(
        [python, "-c", script, *map(str, FILES)],
        capture_output=True, text=True, check=False, env=env | {"PYTHONPATH": str(SOURCE.parent)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
