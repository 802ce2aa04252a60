"""Command line over environment over file over default, each with its origin."""

from pathlib import Path
from typing import Any

import pytest
from parcimetre_agent.base.errors import BadSettings
from parcimetre_agent.configuration.settings import Settings, from_json, resolve
from parcimetre_agent.windows.registry import POLICY_KEY, SETTINGS_KEY


def test_nearer_layer_wins_and_every_value_knows_where_it_is_from(tmp_path: Path) -> None:
    file = tmp_path / "agent.toml"
    file.write_text('server = "https://file"\nupload_period = 600\nsend_hostname = true\n')
    environ = {"PARCIMETRE_AGENT_SERVER": "https://env", "PARCIMETRE_AGENT_UPLOAD_PERIOD": "900"}
    settings = resolve({"server": "https://line/", "data_dir": None}, environ, file)
    assert (settings.server, settings.upload_period_s, settings.send_hostname) == ("https://line", 900, True)
    assert settings.origins["server"] == "command line"
    assert settings.origins["upload_period_s"] == "environment"
    assert settings.origins["send_hostname"] == str(file)
    assert settings.origins["data_dir"] == "default"


def test_absent_default_file_is_fine_but_a_named_one_must_exist(tmp_path: Path) -> None:
    assert resolve({}, {}).server is None
    with pytest.raises(BadSettings, match="does not exist"):
        resolve({}, {}, tmp_path / "none.toml")


def test_last_file_of_conf_d_wins_over_the_first_and_over_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, folder = tmp_path / "agent.toml", tmp_path / "conf.d"
    monkeypatch.setattr("parcimetre_agent.configuration.settings.DEFAULT_FILE", file)
    folder.mkdir()
    file.write_text('server = "https://file"\nupload_period = 600\ndisplays = "none"\n')
    (folder / "10-site.toml").write_text('server = "https://site"\nupload_period = 700\n')
    (folder / "20-room.toml").write_text('server = "https://room"\n')
    (folder / "30-old.toml.dpkg-dist").write_text("no TOML\n")
    settings = resolve({}, {})
    assert (settings.server, settings.upload_period_s, settings.displays) == ("https://room", 700, "none")
    assert settings.origins["server"] == str(folder / "20-room.toml")
    assert resolve({}, {}, file).server == "https://file"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ('server = "https://x\n', r"agent\.toml is not TOML: .*line 1"),
        (
            '# a\nsrever = "https://x"\n',
            r"agent\.toml, line 2: unknown setting 'srever'. Known settings: .*server",
        ),
        ('server = "x"\n', "write it with https://"),
        ("upload_period = 5\n", "whole seconds from 60 to 86400"),
        ("upload_period = true\n", "whole seconds"),
        ("data_dir = 3\n", "must be a text"),
        ('send_hostname = "maybe"\n', "give true or false"),
        ('proxy = "proxy:3128"\n', "write it as http://proxy:port"),
        ('proxy = "http://me:secret@proxy:3128"\n', "set HTTPS_PROXY for the agent's service"),
        ('displays = "some"\n', 'write "all" or "none"'),
    ],
)
def test_damaged_file_is_one_sentence_with_place_and_mend(tmp_path: Path, text: str, sentence: str) -> None:
    file = tmp_path / "agent.toml"
    file.write_text(text)
    with pytest.raises(BadSettings, match=sentence) as error:
        resolve({}, {}, file)
    assert "\n" not in str(error.value)


def test_settings_travel_to_the_resident_as_json() -> None:
    settings = Settings(server="https://x", upload_period_s=60)
    assert from_json(settings.to_json()) == settings


def test_registry_stands_between_environment_and_file(tmp_path: Path, keys: Any) -> None:
    file = tmp_path / "agent.toml"
    file.write_text('server = "https://file"\nupload_period = 600\nca_file = "/ca.pem"\n')
    registry = keys(
        {SETTINGS_KEY: {"Server": "https://registry", "UPLOAD_PERIOD": 1200, "CA_FILE": "", "Tag": "x"}}
    )
    settings = resolve({}, {"PARCIMETRE_AGENT_SERVER": "https://env"}, file, registry)
    assert (settings.server, settings.upload_period_s, settings.ca_file) == ("https://env", 1200, "/ca.pem")
    assert settings.origins["upload_period_s"] == rf"registry HKLM\{SETTINGS_KEY}"


def test_bad_value_of_the_registry_is_named_with_its_place(keys: Any) -> None:
    with pytest.raises(BadSettings, match=r"upload_period from registry HKLM.* is 5; give whole seconds"):
        resolve({}, {}, registry=keys({SETTINGS_KEY: {"UPLOAD_PERIOD": 5}}))


def test_policy_wins_over_environment_and_installer_and_yields_to_the_command_line(keys: Any) -> None:
    registry = keys(
        {
            SETTINGS_KEY: {"SERVER": "https://installer", "DISPLAYS": "all", "CA_FILE": "/installer.pem"},
            POLICY_KEY: {"SERVER": "https://policy", "DISPLAYS": "none", "SEND_HOSTNAME": 1},
        }
    )
    environ = {"PARCIMETRE_AGENT_DISPLAYS": "all"}
    settings = resolve({"server": "https://line"}, environ, registry=registry)
    assert (settings.server, settings.displays, settings.send_hostname) == ("https://line", "none", True)
    assert settings.ca_file == "/installer.pem"
    assert settings.origins["displays"] == rf"policy HKLM\{POLICY_KEY}"
