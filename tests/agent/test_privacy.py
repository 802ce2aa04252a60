"""The agent reads machines, not people: shown on its code, and on what it opens while it runs."""

import ast
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import parcimetre_agent
import psutil
import pytest
from parcimetre_agent.sensors import system_profiler

SOURCE = Path(parcimetre_agent.__file__).parent
FILES = sorted(SOURCE.rglob("*.py"))
PSUTIL_ALLOWED = {
    "cpu_times", "cpu_count", "virtual_memory", "sensors_battery",
    "Process", "AccessDenied", "Error", "NoSuchProcess",
}  # fmt: skip
PROCESS_ALLOWED = {"memory_info", "memory_full_info", "cpu_times"}
MODULES_OF_PEOPLE = {"getpass", "pwd", "grp", "spwd", "uuid", "curses", "readline", "tkinter", "pynput"}
FORBIDDEN = re.compile(
    "|".join((
        # keyboard, mouse, presence
        "GetLastInputInfo", "XScreenSaver", "HIDIdleTime", "IdleHint", "IdleSince", "LockedHint",
        "/dev/input",
        "GetAsyncKeyState", "SetWindowsHookEx", "GetRawInput", "evdev", "CGEventSource", "GetCursorPos",
        # what ran, for whom
        "SRUM", "SRUDB", "EnumProcesses", "Toolhelp32", "Win32_Process", "QueryFullProcessImage", "ps aux",
        "tasklist", "/proc/[0-9]", "cmdline", "proc_pidinfo", "GetForegroundWindow", "GetWindowText",
        "EnumWindows", "_NET_ACTIVE_WINDOW", "NSWorkspace", "frontmostApplication", "TCC[.]db",
        # who
        "utmp", "wtmp", "lastlog", "/etc/passwd", "/etc/shadow", "getpwuid", "getlogin", "WTSEnumerate",
        "WTSQuerySession", "GetUserName", "LookupAccount", "NetUserEnum", "Win32_UserAccount",
        "list-sessions", "loginctl", "/home/", "/Users/", "ProfileList",
        # where on the network
        "getnode", "gethostbyname", "getaddrinfo", "GetAdapters", "GetIfTable", "if_addrs", "net_connections",
        "SPNetwork", "SPAirPort", "SPBluetooth", "ssid", "IOMACAddress",
        # software
        "SPApplications", "SPInstallHistory", "Win32_Product", "dpkg", "rpm -q", r"CurrentVersion\\Uninstall",
        "clipboard", "screencapture", "screenshot",
    )),
    re.IGNORECASE,
)  # fmt: skip
COMMANDS = {"/usr/sbin/ioreg", "/usr/sbin/system_profiler", "/usr/sbin/sysctl", "ipmitool"}
IOREG_CLASSES = {"AppleSmartBattery", "IODisplayWrangler", "IOPlatformExpertDevice"}
HARDWARE_SECTIONS = {
    "SPHardwareDataType", "SPMemoryDataType", "SPNVMeDataType", "SPSerialATADataType", "SPDisplaysDataType",
    "SPPowerDataType",
}  # fmt: skip
READ = """
import sys
from parcimetre_agent.machine.clock import Clock
from parcimetre_agent.recording import sampling
from parcimetre_agent.sending import inventory
from parcimetre_agent.sensors.machine import Machine
{before}
clock, sampler = Clock(), sampling.Sampler()
sampler.sample(clock.now())
sampler.sample(clock.now())
inventory.take_inventory(Machine(), 0, sampler.outcomes)
{after}
"""
MAY_OPEN = re.compile(
    "|".join((
        "/sys/(class/(powercap|power_supply|drm|hwmon|dmi)|block|bus/pci|devices|firmware/dmi|hypervisor)(/|$)",
        "/proc/(stat|meminfo|cpuinfo|vmstat|zoneinfo|self/status|self/mounts)$",
        "/proc/sys/kernel/(random/boot_id|osrelease)$",
        "/etc/(os-release|parcimetre(/.*)?|localtime|ld[.]so[.].*)$",
        "/usr/lib/os-release$", "/usr/share/(hwdata|misc)/pci.ids$", r"/run/udev/data/\+dmi:id$",
        "/dev$", "/dev/null$", "/run/systemd/container$", "/[.]dockerenv$", "/run/[.]containerenv$",
        "/(usr/)?lib(64|x32)?(/.*)?[.]so([.].*)?$",
    ))
)  # fmt: skip


def _strings(tree: ast.AST) -> Iterator[str]:
    """Text constants that are no docstring, names of attributes, and names that are imported."""
    docstrings = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef))
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Constant)
            and isinstance(node.value, (str, bytes))
            and id(node) not in docstrings
        ):
            yield node.value if isinstance(node.value, str) else node.value.decode("latin-1")
        elif isinstance(node, ast.Attribute):
            yield node.attr
        elif isinstance(node, ast.Name):
            yield node.id
        elif isinstance(node, ast.alias):
            yield node.name


def _named(file: Path) -> str:
    return file.relative_to(SOURCE).as_posix()


@pytest.mark.parametrize("file", FILES, ids=_named)
def test_code_names_nothing_of_people(file: Path) -> None:
    found = [text for text in _strings(ast.parse(file.read_text())) if FORBIDDEN.search(text)]
    assert found == []


@pytest.mark.parametrize(
    "text",
    [
        "ctypes.windll.user32.GetLastInputInfo(b)",
        "open('/dev/input/event0')",
        "ioreg('HIDIdleTime')",
        "psutil.net_if_addrs()",
        "from uuid import getnode",
        "x = b'/var/run/utmp'",
        "run(['powercfg', '/srumutil'])",
    ],
)
def test_search_would_find_it(text: str) -> None:
    assert any(FORBIDDEN.search(one) for one in _strings(ast.parse(text)))


@pytest.mark.parametrize("file", FILES, ids=_named)
def test_of_psutil_only_the_machines_own_counters_are_called(file: Path) -> None:
    tree = ast.parse(file.read_text())
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "psutil":
            assert node.attr in PSUTIL_ALLOWED
        if isinstance(node, ast.ImportFrom) and node.module == "psutil":
            pytest.fail("import psutil whole, so that what is called of it can be seen")
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "psutil.Process":
            assert not node.args, "only of this very process"
            assert not node.keywords
        if isinstance(node, ast.Attribute) and ast.unparse(node.value) == "psutil.Process()":
            assert node.attr in PROCESS_ALLOWED


@pytest.mark.parametrize("file", FILES, ids=_named)
def test_no_module_that_knows_people_is_imported(file: Path) -> None:
    for node in ast.walk(ast.parse(file.read_text())):
        names = [alias.name for alias in node.names] if isinstance(node, (ast.Import, ast.ImportFrom)) else []
        roots = {name.split(".")[0] for name in names}
        if isinstance(node, ast.ImportFrom) and node.module and not node.level:
            roots.add(node.module.split(".")[0])
        assert not roots & MODULES_OF_PEOPLE


def test_commands_that_are_run_are_known_and_ask_for_hardware_alone() -> None:
    runners = {_named(file) for file in FILES if "subprocess." in file.read_text()}
    texts = [text for name in runners for text in _strings(ast.parse((SOURCE / name).read_text()))]
    assert {text for text in texts if text.startswith(("/usr/", "/bin/", "/sbin/"))} <= COMMANDS
    assert set(system_profiler.SECTIONS) == HARDWARE_SECTIONS
    kinds = {
        node.args[0].value
        for file in FILES
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "ioreg.entries"
        if isinstance(node.args[0], ast.Constant)
    }
    assert kinds == IOREG_CLASSES


def _is_own(path: str) -> bool:
    """Whether Python, its libraries or the agent's own code lie there."""
    roots = {
        sys.prefix,
        sys.base_prefix,
        sys.exec_prefix,
        str(SOURCE.parent),
        str(Path(psutil.__file__).parent),
    }
    return path.startswith(tuple(roots))


def test_audited_run_opens_only_what_is_listed() -> None:
    before = (
        "seen = []\n"
        "def note(event, given):\n"
        "    if event in ('open', 'os.listdir', 'os.scandir') and isinstance(given[0], (str, bytes)):\n"
        "        seen.append(str(given[0]))\n"
        "    elif event.startswith(('socket.', 'subprocess.', 'os.exec', 'os.posix_spawn')):\n"
        "        seen.append('! ' + event)\n"
        "sys.addaudithook(note)"
    )
    script = READ.format(before=before, after="import json; print(json.dumps(sorted(set(seen))))")
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    seen = json.loads(done.stdout)
    assert "/proc/stat" in seen
    assert [path for path in seen if not MAY_OPEN.match(path) and not _is_own(path)] == []


def test_kernel_is_asked_only_for_what_is_listed(tmp_path: Path) -> None:
    """By strace, which also sees what libraries in C open."""
    strace, log = shutil.which("strace"), tmp_path / "trace"
    if strace is None:
        pytest.skip("strace is not installed")
    script = READ.format(before="import os; os.path.exists('/parcimetre-begins')", after="")
    calls = "trace=open,openat,stat,newfstatat,access,socket,connect"
    done = subprocess.run(
        [strace, "-f", "-qq", "-o", log, "-e", calls, sys.executable, "-c", script],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode and ("ptrace" in done.stderr or not log.exists()):
        pytest.skip(f"tracing is not allowed here: {done.stderr.strip()[:100]}")
    assert done.returncode == 0, done.stderr
    _, mark, after = log.read_text().partition("/parcimetre-begins")
    assert mark
    assert "AF_INET" not in after
    opened = re.findall(r'open(?:at)?\((?:AT_FDCWD, )?"([^"]+)"', after)
    pids = {line.split()[0] for line in after.splitlines()[1:] if line.split()}
    own = re.compile(rf"/proc/({'|'.join(pids)})/(statm|status|stat)$")
    assert [one for one in opened if not (MAY_OPEN.match(one) or _is_own(one) or own.match(one))] == []
