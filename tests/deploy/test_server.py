"""What runs the collector in containers is read by the tools that would run it; nothing is started here."""

import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest
from parcimetre_server.access.credentials import CREDENTIAL_KEY
from parcimetre_server.access.organisation_key import HASH_KEY
from parcimetre_server.access.sessions import SESSION_KEY
from parcimetre_server.configuration.settings import host_names_of

ROOT = Path(__file__).resolve().parents[2]
SERVER = ROOT / "deploy" / "server"
CHART = SERVER / "helm" / "parcimetre"
sys.path.insert(0, str(ROOT / "tools"))

from set_up_packages import LINTERS

RULES = "{extends: default, rules: {line-length: {max: 140}, document-start: disable, braces: disable}}"
HELM = """
import json, sys
from helm_python import Chart
from helm_python.chart import lint
path, values = sys.argv[1], json.loads(sys.argv[2])
with Chart.load(path) as chart:
    chart.validate_schema(values)
    rendered = chart.render(values, name="fleet", namespace="parcimetre")
print(json.dumps({"lint": lint(path, values, strict=True), "rendered": rendered}))
"""


def _tool(name: str) -> Path:
    """One of the dependency group deploy-lint."""
    found = LINTERS / name
    if not found.exists():
        pytest.skip(f"{name} is not installed: python3 tools/set_up_packages.py installs it")
    return found


def _run(*command: object, **env: str) -> subprocess.CompletedProcess[str]:
    environ = {"PATH": os.environ["PATH"], "PYTHONPATH": str(LINTERS), **env}
    line = [str(word) for word in command]
    return subprocess.run(line, cwd=SERVER, env=environ, capture_output=True, text=True, check=False)


def _said(*command: object, **env: str) -> str:
    done = _run(*command, **env)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_containerfile_passes_hadolint() -> None:
    assert _said(_tool("bin/hadolint"), "Containerfile") == ""


def test_yaml_files_pass_yamllint() -> None:
    _tool("yamllint")
    files = [*ROOT.glob("deploy/*/nfpm.yaml"), SERVER / "compose.yaml", *CHART.glob("*.yaml")]
    assert len(files) == 5
    _said(sys.executable, "-m", "yamllint", "--strict", "-d", RULES, *files)


def test_compose_file_is_whole_and_only_the_proxy_is_reached_from_outside() -> None:
    config = (_tool("bin/docker-compose"), "--file", "compose.yaml", "config", "--format", "json")
    services = json.loads(_said(*config, HOST="parcimetre.example.org"))["services"]
    assert set(services) == {"proxy", "collector", "clickhouse"}
    assert [name for name, one in services.items() if one.get("ports")] == ["proxy"]
    assert [name for name, one in services.items() if "outside" in one["networks"]] == ["proxy"]
    assert "HOST=parcimetre.example.org" in _run(*config).stderr, "without a name it says what to write"


def _rendered(values: dict[str, Any]) -> dict[str, str]:
    """Files of the chart as Helm's own library renders them, after its lint found nothing."""
    _tool("helm_python")
    told = json.loads(_said(sys.executable, "-c", HELM, CHART, json.dumps(values)))
    found = [one for one in told["lint"].get("messages", []) if "icon" not in str(one)]
    assert found == []
    return {Path(name).name: text for name, text in told["rendered"].items()}


def test_chart_passes_helm_and_its_collectors_share_key_and_store(tmp_path: Path) -> None:
    files = _rendered({"replicas": 3, "settings": 'organisation = "Ville"\n'})
    assert "replicas: 3" in files["deployment.yaml"]
    assert "readOnlyRootFilesystem: true" in files["deployment.yaml"]
    assert "secretName: parcimetre-key" in files["deployment.yaml"]
    assert 'store = "clickhouse+https://' in files["configmap.yaml"]
    assert 'organisation = "Ville"' in files["configmap.yaml"]
    for name, text in files.items():
        (tmp_path / name).write_text(text.strip() + "\n")
    rules = RULES.replace("braces: disable", "braces: disable, brackets: disable")
    _said(sys.executable, "-m", "yamllint", "-d", rules, *tmp_path.glob("*.yaml"))


def test_chart_names_the_hosts_that_readers_use_and_gives_all_keys() -> None:
    files = _rendered({"allowedHosts": ["figures.example.org"]})
    settings = tomllib.loads(dedent(files["configmap.yaml"].partition("collector.toml: |\n")[2]))
    assert settings["public_url"] == "https://parcimetre.example.org"
    names = "fleet, fleet.parcimetre, fleet.parcimetre.svc, figures.example.org"
    assert settings["allowed_hosts"] == names
    assert host_names_of(names) == tuple(names.split(", "))
    for key in (CREDENTIAL_KEY, SESSION_KEY, HASH_KEY):
        assert f"- /run/secrets/key/{key.name}\n" in files["deployment.yaml"]
    other = _rendered({"publicUrl": "https://it.example.org/parcimetre", "ingress": {"enabled": False}})
    assert 'public_url = "https://it.example.org/parcimetre"' in other["configmap.yaml"]


def test_services_that_are_shipped_trust_nobody() -> None:
    for name in ("compose.yaml", "collector.toml", "parcimetre-collector.service", "Containerfile"):
        assert "trust" not in (SERVER / name).read_text()
    assert "- --public-url=https://${HOST}\n" in (SERVER / "compose.yaml").read_text()


def test_chart_refuses_a_store_in_the_data_folder() -> None:
    _tool("helm_python")
    done = _run(sys.executable, "-c", HELM, CHART, json.dumps({"store": {"url": "/data"}}))
    assert "clickhouse" in done.stderr
