"""Settings: command line, else (on Windows) policy, else environment, else (on Windows) registry, else TOML
files, else default.

Each remembers where it is from.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from ..base.errors import BadSettings
from ..windows.registry import POLICY_KEY, SETTINGS_KEY, Registry

PREFIX = "PARCIMETRE_AGENT_"
if sys.platform == "win32":
    DEFAULT_FOLDER = os.environ.get("ProgramData", r"C:\ProgramData") + r"\Parcimetre"  # noqa: SIM112
    DEFAULT_FILE = Path(DEFAULT_FOLDER, "agent.toml")
else:
    DEFAULT_FOLDER = "/var/lib/parcimetre-agent"
    DEFAULT_FILE = Path("/etc/parcimetre/agent.toml")


@dataclass(frozen=True)
class Settings:
    """What is in force. `origins` maps each name to "command line", "policy ...", "environment",
    "registry ...", a file or "default".
    """

    server: str | None = None
    secret_file: str | None = None
    data_dir: str = DEFAULT_FOLDER
    upload_period_s: int | None = None
    sample_period_s: int = 30
    sample_period_on_battery_s: int = 60
    ca_file: str | None = None
    client_cert: str | None = None
    client_key: str | None = None
    proxy: str | None = None
    allow_http: bool = False
    send_hostname: bool = False
    displays: str = "all"
    origins: Mapping[str, str] = field(default_factory=dict, compare=False)

    def to_json(self) -> str:
        """For the resident and the courier, on their command line; it holds paths, no secrets."""
        return json.dumps(
            {one.name: getattr(self, one.name) for one in fields(self) if one.name != "origins"}
        )


NAMES = tuple(one.name for one in fields(Settings) if one.name != "origins")
_INTEGERS = {
    "upload_period_s": (60, 86_400),
    "sample_period_s": (1, 60),
    "sample_period_on_battery_s": (1, 120),
}
_SWITCHES = ("allow_http", "send_hostname")
_DISPLAYS = ("all", "none")
_PATHS = ("secret_file", "data_dir", "ca_file", "client_cert", "client_key")


def from_json(text: str) -> Settings:
    """What `Settings.to_json` wrote."""
    return Settings(**json.loads(text))


def resolve(
    command_line: Mapping[str, Any],
    environ: Mapping[str, str],
    file: Path | None = None,
    registry: Registry | None = None,
) -> Settings:
    """Settle every setting. Raises BadSettings naming the place and the fix."""
    path = file or Path(environ.get(PREFIX + "CONFIG", DEFAULT_FILE))
    explicit = file is not None or PREFIX + "CONFIG" in environ
    keys = registry or Registry()
    layers = [
        ("command line", {name: value for name, value in command_line.items() if value is not None}),
        (f"policy HKLM\\{POLICY_KEY}", _from_registry(keys, POLICY_KEY)),
        ("environment", _from_environment(environ)),
        (f"registry HKLM\\{SETTINGS_KEY}", _from_registry(keys, SETTINGS_KEY)),
        *((str(one), _from_file(one, explicit)) for one in _files(path, explicit)),
    ]
    values: dict[str, Any] = {}
    origins: dict[str, str] = {}
    for name in NAMES:
        for origin, layer in layers:
            if name in layer:
                values[name] = _checked(name, layer[name], origin)
                origins[name] = origin
                break
        else:
            origins[name] = "default"
    return Settings(**values, origins=origins)


def _from_environment(environ: Mapping[str, str]) -> dict[str, Any]:
    return {
        name: environ[PREFIX + _outside(name).upper()]
        for name in NAMES
        if PREFIX + _outside(name).upper() in environ
    }


def _from_registry(registry: Registry, key: str) -> dict[str, Any]:
    """Values named as in the environment, without its prefix: SERVER, SECRET_FILE; an empty one is unset.

    Names that are no setting are the installer's own.
    """
    found = {name.upper(): value for name, value in registry.values(key).items()}
    given = {name: found[_outside(name).upper()] for name in NAMES if _outside(name).upper() in found}
    return {name: value for name, value in given.items() if value != ""}


def _outside(name: str) -> str:
    """The name users see: upload_period for upload_period_s, in seconds either way."""
    return name[: -len("_s")] if name in _INTEGERS else name


def _files(path: Path, explicit: bool) -> list[Path]:
    """The files in force, the strongest first: `conf.d/*.toml` beside the file from the last name to the
    first, then the file. A file that was named stands alone.
    """
    return [path] if explicit else [*sorted((path.parent / "conf.d").glob("*.toml"), reverse=True), path]


def _from_file(path: Path, explicit: bool) -> dict[str, Any]:
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        if explicit:
            raise BadSettings(f"settings file {path} does not exist: create it or omit --config") from None
        return {}
    except UnicodeDecodeError as error:
        raise BadSettings(f"settings file {path} is not UTF-8 text ({error}): save it in UTF-8") from None
    except OSError as error:
        raise BadSettings(
            f"cannot read settings file {path}: {error.strerror}; fix its permissions"
        ) from None
    table = parse(text, path)
    known = {_outside(name): name for name in NAMES}
    unknown = sorted(set(table) - set(known))
    if unknown:
        line = _line_of(text, unknown[0])
        raise BadSettings(
            f"{path}, line {line}: unknown setting {unknown[0]!r}. Known settings: {', '.join(sorted(known))}"
        )
    return {known[name]: value for name, value in table.items()}


def parse(text: str, path: Path) -> dict[str, Any]:
    """A TOML file's table. Raises BadSettings."""
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise BadSettings(f'{path} is not TOML: {error}; write it as name = "value"') from None


def _line_of(text: str, name: str) -> int:
    for number, line in enumerate(text.splitlines(), 1):
        if line.lstrip(" [\"'").startswith(name):
            return number
    return 1


def _checked(name: str, value: Any, origin: str) -> Any:
    """The value in its type. Raises BadSettings."""
    if name in _INTEGERS:
        return _whole(name, value, origin)
    if name in _SWITCHES:
        return _yes(name, value, origin)
    if not isinstance(value, str) or not value:
        raise BadSettings(f"{_outside(name)} from {origin} must be a text, not {value!r}")
    if name == "displays" and value not in _DISPLAYS:
        raise BadSettings(f'displays from {origin} is {value!r}; write "all" or "none"')
    if name == "server" and not value.startswith(("http://", "https://")):
        raise BadSettings(f"server from {origin} is {value!r}; write it with https:// or http://")
    if name == "proxy":
        return _proxy(value, origin)
    return os.path.abspath(value) if name in _PATHS else value.rstrip("/")  # noqa: PTH100 - keeps symlinks


def _proxy(value: str, origin: str) -> str:
    """Without a password: settings can be read by others than the agent."""
    if not value.startswith(("http://", "https://")):
        raise BadSettings(f"proxy from {origin} is {value!r}; write it as http://proxy:port")
    if "@" in value:
        raise BadSettings(
            f"proxy from {origin} contains a name or password: set HTTPS_PROXY for the agent's "
            "service instead"
        )
    return value


def _whole(name: str, value: Any, origin: str) -> int:
    low, high = _INTEGERS[name]
    try:
        seconds = int(value)
    except (TypeError, ValueError):
        seconds = -1
    if isinstance(value, bool) or not low <= seconds <= high:
        raise BadSettings(
            f"{_outside(name)} from {origin} is {value!r}; give whole seconds from {low} to {high}"
        )
    return seconds


def _yes(name: str, value: Any, origin: str) -> bool:
    if isinstance(value, bool):
        return value
    if str(value).lower() in ("1", "true", "yes", "0", "false", "no"):
        return str(value).lower() in ("1", "true", "yes")
    raise BadSettings(f"{name} from {origin} is {value!r}; give true or false")
