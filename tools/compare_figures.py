"""Record every figure that a collector answers over a store, and compare two such recordings.

usage: compare_figures.py record --parcimetre PATH --data-dir DIR --out FOLDER [--at SECOND]
       compare_figures.py compare FOLDER_A FOLDER_B

The collector is a black box, so any version of the code can be recorded: its command is started on a copy
of the data folder, at a clock that stands still, and asked over HTTP. The period is the store's own, from
its first slot to the end of its last one, which is also what the clock shows unless --at says otherwise.
"""

from __future__ import annotations

import argparse
import contextlib
import itertools
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import quote, urlencode
from urllib.request import ProxyHandler, Request, build_opener

SLOT_S, DAY_S = 900, 86_400
CRITERIA = ("gwp", "adpe", "pe")
GROUPINGS = ("", "org_unit", "site", "category", "device", "stage", "component", "power_source", "model")
INTERVALS = ("total", "week", "day")
POLICIES = ("service_life", "purchase_year", "active_hour")
EXPLAINED = 20
READY_S, IDLE_S, TIMEOUT_S = 60, 2.0, 600
SHOWN = 3  # differences of a file
AT_A_CLOCK = """
import runpy, sys, time
del sys.argv[0]
second = float(sys.argv.pop(0))
time.time = lambda: second
runpy.run_path(sys.argv[0], run_name="__main__")
"""

Device = dict[str, Any]
Answers = Iterator[tuple[str, Any]]


@dataclass(frozen=True)
class Command:
    """The `parcimetre` command of a checkout, on a data folder; `second` is what its clock shows, if any."""

    file: Path
    data_dir: Path
    second: int | None = None

    def arguments(self, *words: str) -> list[str]:
        """What starts it."""
        clock = (
            [] if self.second is None else [self.file.with_name("python"), "-c", AT_A_CLOCK, str(self.second)]
        )
        return [*map(str, [*clock, self.file]), *words, "--data-dir", str(self.data_dir)]

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run it to its end."""
        return subprocess.run(
            self.arguments(*words), capture_output=True, text=True, check=False, env=environment()
        )

    def json(self, *words: str) -> Any:
        """What it answers for machines; ends this tool with what it says where it fails."""
        done = self.run(*words, "--json")
        if done.returncode:
            raise SystemExit(f"{' '.join(words)}: {done.stderr.strip()}")
        return json.loads(done.stdout)


@dataclass(frozen=True)
class Asked:
    """A collector that serves, and the period to ask it for; without a token as this machine's admin."""

    address: str
    first: int
    last: int
    token: str | None = None

    def get(self, path: str, **query: object) -> Any:
        """The JSON of an answer; of a refusal the status and what it says."""
        words = {name.rstrip("_"): value for name, value in query.items() if value}
        request = Request(f"{self.address}{quote(path)}?{urlencode(words)}")
        if self.token is not None:
            request.add_header("Authorization", f"Bearer {self.token}")
        try:
            with build_opener(ProxyHandler({})).open(request, timeout=TIMEOUT_S) as answer:
                return json.load(answer)
        except HTTPError as error:
            return {"refused": error.code, "problem": json.load(error)}

    def figures(self, path: str, **query: object) -> Any:
        """The same for the period, or for another one."""
        return self.get(path, **({"from_": self.first, "to": self.last} | query))


def environment() -> dict[str, str]:
    """Without settings and languages of who runs this; sets are in the same order each time."""
    own = {name: value for name, value in os.environ.items() if not name.startswith(("PARCIMETRE_", "LC_"))}
    served = {"PARCIMETRE_SERVE_TRUST_THIS_MACHINE": "1"}  # of versions that ask this machine for a login
    return own | served | {"LANG": "C.UTF-8", "TZ": "UTC", "PYTHONHASHSEED": "0"}


def record(parcimetre: Path, data_dir: Path, out: Path, second: int | None) -> None:
    """Write the figures of a store into a folder, one JSON file for each question."""
    if out.exists() and any(out.iterdir()):
        raise SystemExit(f"{out} has files already: name another folder with --out, or remove them")
    with tempfile.TemporaryDirectory(prefix="parcimetre-figures-") as folder:
        copy = Path(shutil.copytree(data_dir, Path(folder) / "data"))
        devices = Command(parcimetre, copy).json("devices")
        first = min(one["first_slot"] for one in devices if one["first_slot"])
        last = max(one["last_slot"] for one in devices if one["last_slot"]) + SLOT_S
        command = Command(parcimetre, copy, last if second is None else second)
        unit = largest_unit(devices)
        tokens = {
            f"{role}-{where}": command.json(
                "token", "create", "--name", "figures", "--role", role,
                *(["--everything"] if where == "all" else ["--org-unit", unit]),
            )["token"]
            for role, where in itertools.product(("viewer", "analyst"), ("all", "unit"))
        }  # fmt: skip
        period = {"first": first, "last": last, "now": command.second, "devices": len(devices)}
        write(out, "period", period, copy)
        with serving(command) as address:
            for name, answer in answers(Asked(address, first, last), devices, unit, tokens):
                write(out, name, answer, copy)
        for report in json.loads((out / "published.json").read_text(encoding="utf-8"))["reports"]:
            write(out, f"verified/{name_of(report)}", verified(command, report), copy)
    print(f"{sum(1 for _ in out.rglob('*.json'))} files of figures in {out}")


def largest_unit(devices: list[Device]) -> str:
    """The org unit with the most devices."""
    counts = Counter(str(one["org_unit"]) for one in devices)
    return min(counts, key=lambda unit: (-counts[unit], unit))


def answers(asked: Asked, devices: list[Device], unit: str, tokens: dict[str, str]) -> Answers:
    """Every question, by the name of its file, and the answer."""
    yield from listings(asked, devices)
    yield from footprints(asked, unit)
    yield from explanations(asked, chosen(devices), unit)
    for week in weeks(asked.first, asked.last):
        for name, where in (("all", ""), ("unit", unit)):
            yield (
                f"weekly/{week}-{name}",
                asked.get(f"/v1/reports/weekly/{week}", format="json", org_unit=where),
            )
    for name, token in tokens.items():
        yield from narrowed(Asked(asked.address, asked.first, asked.last, token), name)


def listings(asked: Asked, devices: list[Device]) -> Answers:
    """Devices, each in detail, and all else that is listed."""
    yield "devices", pages_of(asked)
    yield "device-details", {one["id"]: asked.get(f"/v1/devices/{one['id']}") for one in devices}
    yield "agents", asked.get("/v1/agents")
    yield "contracts", asked.get("/v1/contracts")
    yield "published", asked.get("/v1/reports")
    yield "outlets", asked.figures("/v1/outlets")
    for group in ("", "org_unit", "device"):
        yield f"printing-{group or 'all'}", asked.figures("/v1/printing", group_by=group)
    for zone in sorted({one["zone"] for one in devices}):
        for criterion in CRITERIA:
            yield f"grid/{zone}-{criterion}", asked.figures(f"/v1/grid/{zone}", criterion=criterion)


def pages_of(asked: Asked) -> list[Device]:
    """All devices, page by page."""
    found: list[Device] = []
    cursor: str | None = ""
    while cursor is not None:
        page = asked.get("/v1/devices", cursor=cursor, limit=100)
        found, cursor = found + page["items"], page["next"]
    return found


def footprints(asked: Asked, unit: str) -> Answers:
    """All groupings and criteria; slots and hours of the last days, and other policies, in total only."""
    for criterion, group, interval in itertools.product(CRITERIA, GROUPINGS, INTERVALS):
        answer = asked.figures("/v1/footprint", criterion=criterion, group_by=group, interval=interval)
        yield f"footprint/{criterion}-{group or 'all'}-{interval}", answer
    for criterion, group in itertools.product(CRITERIA, ("", "category")):
        for interval, days in (("slot", 2), ("hour", 7)):
            begin = max(asked.first, asked.last - days * DAY_S)
            yield (
                f"footprint/{criterion}-{group or 'all'}-{interval}",
                asked.figures(
                    "/v1/footprint", criterion=criterion, group_by=group, interval=interval, from_=begin
                ),
            )
    for criterion, group in itertools.product(CRITERIA, ("device", "stage")):
        answer = asked.figures("/v1/footprint", criterion=criterion, group_by=group, org_unit=unit)
        yield f"footprint/{criterion}-{group}-of-unit", answer
    for group, policy in itertools.product(("", "category", "stage"), POLICIES):
        answer = asked.figures("/v1/footprint", group_by=group, amortisation=policy)
        yield f"footprint/gwp-{group or 'all'}-{policy}", answer
    for group in ("", "category", "site"):
        answer = asked.figures("/v1/footprint", group_by=group, electricity="market")
        yield f"footprint/gwp-{group or 'all'}-market", answer


def chosen(devices: list[Device]) -> list[str]:
    """Some devices, of each category in turn, by id."""
    by_category: defaultdict[str, list[str]] = defaultdict(list)
    for one in sorted(devices, key=lambda one: str(one["id"])):
        by_category[one["category"]].append(one["id"])
    turns = itertools.zip_longest(*(by_category[category] for category in sorted(by_category)))
    return [found for turn in turns for found in turn if found is not None][:EXPLAINED]


def explanations(asked: Asked, devices: list[str], unit: str) -> Answers:
    """Devices over the whole period, and over its last two days slot by slot; an org unit, and all."""
    begin = max(asked.first, asked.last - 2 * DAY_S)
    for device, criterion in itertools.product(devices, CRITERIA):
        answer = asked.figures("/v1/explain", device=device, criterion=criterion)
        yield f"explain/{device}-{criterion}", answer
    for device in devices:
        yield f"explain/{device}-slots", asked.figures("/v1/explain", device=device, from_=begin)
        yield f"explain/{device}-market", asked.figures("/v1/explain", device=device, electricity="market")
    for name, where in (("unit", unit), ("all", "")):
        for criterion in CRITERIA:
            answer = asked.figures("/v1/explain", org_unit=where, criterion=criterion)
            yield f"explain/{name}-{criterion}", answer


def narrowed(asked: Asked, name: str) -> Answers:
    """What a reader of a role and a scope is shown."""
    for group, interval in itertools.product(GROUPINGS, ("total", "day")):
        answer = asked.figures("/v1/footprint", group_by=group, interval=interval)
        yield f"readers/{name}/footprint-{group or 'all'}-{interval}", answer
    for week in weeks(asked.first, asked.last):
        yield f"readers/{name}/weekly-{week}", asked.get(f"/v1/reports/weekly/{week}", format="json")
    for path in ("devices", "reports", "contracts"):
        yield f"readers/{name}/{path}", asked.get(f"/v1/{path}")


def weeks(first: int, last: int) -> list[str]:
    """The ISO weeks that a period touches."""
    days = range((last - 1 - first) // DAY_S + 2)
    at = datetime.fromtimestamp(first, UTC)
    found = ((at + timedelta(days=i)).isocalendar() for i in days)
    return list(dict.fromkeys(f"{day.year}-W{day.week:02}" for day in found))


def name_of(report: dict[str, Any]) -> str:
    """A file's name for a published report."""
    words = (report["week"], report["role"], report["org_unit"] or "all")
    return "-".join(re.sub(r"\W+", "_", word) for word in words)


def verified(command: Command, report: dict[str, Any]) -> dict[str, Any]:
    """What is said of a published report that is computed anew."""
    unit = ["--unit", report["org_unit"]] if report["org_unit"] else []
    done = command.run("report", "weekly", report["week"], "--role", report["role"], *unit, "--verify")
    return {"exit": done.returncode, "said": done.stdout.splitlines(), "error": done.stderr.splitlines()}


@contextlib.contextmanager
def serving(command: Command, *options: str) -> Iterator[str]:
    """The address of a collector that serves the folder, once the jobs of its start are over."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with tempfile.TemporaryFile("w+", encoding="utf-8") as log:
        words = command.arguments("serve", "--host", "127.0.0.1", "--port", str(port), *options)
        with subprocess.Popen(words, stdout=log, stderr=log, env=environment()) as collector:
            try:
                address = f"http://127.0.0.1:{port}"
                if not ready(address, collector):
                    log.seek(0)
                    raise SystemExit(f"the collector did not start:\n{log.read()}")
                wait_for_jobs(collector.pid)
                yield address
            finally:
                collector.terminate()


def ready(address: str, collector: subprocess.Popen[bytes]) -> bool:
    """Wait until it answers; False where it ended or is too slow."""
    until = time.monotonic() + READY_S
    while collector.poll() is None and time.monotonic() < until:
        with contextlib.suppress(URLError, OSError):
            if Asked(address, 0, 0).get("/readyz") is not None:
                return True
        time.sleep(0.2)
    return False


def wait_for_jobs(pid: int) -> None:
    """Wait until the process has used no more than a tenth of the time for two seconds."""
    used_s = -1.0
    for _ in range(TIMEOUT_S):
        time.sleep(IDLE_S)
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
        now_s = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
        if now_s - used_s < IDLE_S / 10:
            return
        used_s = now_s


def write(out: Path, name: str, answer: Any, copy: Path) -> None:
    """Write an answer in canonical JSON; the copy's path, which is another each time, is DATA_DIR in it."""
    file = out / f"{name}.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps(answer, ensure_ascii=False, sort_keys=True, indent=1)
    file.write_text(text.replace(str(copy), "DATA_DIR") + "\n", encoding="utf-8")


def compare(one: Path, other: Path) -> int:
    """Print a line for each file of two recordings, then how many differ; 1 if any does, else 0."""
    names = sorted({file.relative_to(folder) for folder in (one, other) for file in folder.rglob("*.json")})
    if not names:
        raise SystemExit(f"neither {one} nor {other} has a recording: make one with `record`")
    different = 0
    for name in names:
        said = difference(one / name, other / name)
        different += said is not None
        print(f"{name}: {said or 'equal'}")
    print(f"{len(names)} files: {len(names) - different} equal byte for byte, {different} differ")
    return int(different > 0)


def difference(one: Path, other: Path) -> str | None:
    """What differs between two files, None where their bytes are equal."""
    for file, which in ((one, "second"), (other, "first")):
        if not file.exists():
            return f"only in the {which} recording"
    if one.read_bytes() == other.read_bytes():
        return None
    first, second = (json.loads(file.read_text(encoding="utf-8")) for file in (one, other))
    found = list(itertools.islice(differences("$", first, second), SHOWN + 1))
    shown = [f"\n    {path}: {was} -> {is_}" for path, was, is_ in found[:SHOWN]]
    return "differs" + "".join(shown) + ("\n    ..." if len(found) > SHOWN else "")


def differences(path: str, one: Any, other: Any) -> Iterator[tuple[str, str, str]]:
    """JSON paths where two values differ, with both."""
    if isinstance(one, dict) and isinstance(other, dict):
        for name in dict.fromkeys([*one, *other]):
            if name in one and name in other:
                yield from differences(f"{path}.{name}", one[name], other[name])
            else:
                yield f"{path}.{name}", brief(one.get(name, ...)), brief(other.get(name, ...))
    elif isinstance(one, list) and isinstance(other, list):
        for i, (left, right) in enumerate(zip(one, other, strict=False)):
            yield from differences(f"{path}[{i}]", left, right)
        if len(one) != len(other):
            yield f"{path}.length", str(len(one)), str(len(other))
    elif one != other or type(one) is not type(other):
        yield path, brief(one), brief(other)


def brief(value: Any) -> str:
    """A value in one short line."""
    text = "absent" if value is ... else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 80 else f"{text[:77]}..."


def main() -> None:
    """Do what the command line says."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(dest="command", required=True)
    recorder = commands.add_parser("record", help="ask a collector for every figure of a store")
    recorder.add_argument("--parcimetre", type=Path, required=True, help="the command, in its environment")
    recorder.add_argument("--data-dir", type=Path, required=True, help="data folder; a copy is served")
    recorder.add_argument("--out", type=Path, required=True, help="folder for the figures, empty or new")
    recorder.add_argument("--at", type=int, help="second UTC that its clock shows; the end of the last slot")
    comparer = commands.add_parser("compare", help="compare two recordings; exit code 1 if they differ")
    comparer.add_argument("folders", type=Path, nargs=2, metavar="FOLDER")
    asked = parser.parse_args()
    if asked.command == "compare":
        sys.exit(compare(*asked.folders))
    record(asked.parcimetre.absolute(), asked.data_dir, asked.out, asked.at)


if __name__ == "__main__":
    main()
