"""gateway.toml and the file of credentials."""

import pytest
from parcimetre_agent.base.errors import BadSettings
from parcimetre_agent.gateway.configuration import load_configuration

CREDENTIALS = """
[main]
version = "3"
user = "parcimetre"
auth = "sha"
auth_key = "hidden-auth"
privacy = "aes"
privacy_key = "hidden-key"

[bmc]
user = "reader"
password = "hidden-password"
"""
PIN = "sha256:" + ":".join(["0F"] * 32)


@pytest.fixture
def written(tmp_path):
    """Writes both files; the path of gateway.toml."""

    def write(gateway, credentials=CREDENTIALS, mode=0o600):
        secret = tmp_path / "credentials.toml"
        secret.write_text(credentials)
        secret.chmod(mode)
        file = tmp_path / "gateway.toml"
        file.write_text(f'credentials_file = "{secret}"\n{gateway}')
        return file

    return write


def test_every_group_has_its_hosts_credentials_and_secret(written):
    found = load_configuration(written(
        'secret_file = "/etc/a"\ncounters_per_day = 2\n'
        '[[printers]]\nhosts = ["10.1.2.1-3"]\ncredentials = "main"\n'
        '[[printers]]\nname = "library"\nhosts = ["lib"]\nport = 1161\nsecret_file = "/etc/b"\n'
    ))  # fmt: skip
    told = [(one.place, one.credential.version, one.secret_file) for one in found.targets]
    assert told == [*((f"10.1.2.{i}", "3", "/etc/a") for i in (1, 2, 3)), ("lib port 1161", "2c", "/etc/b")]
    assert found.counters_per_day == 2


def test_a_host_that_is_named_twice_is_asked_once(written):
    found = load_configuration(written('[[printers]]\nhosts = ["10.1.2.1", "10.1.2.0/30"]\n'))
    assert [one.host for one in found.targets] == ["10.1.2.1", "10.1.2.2"]


def test_servers_have_a_user_a_port_and_how_to_know_their_bmc(written):
    found = load_configuration(written(
        'secret_file = "/etc/a"\n[[servers]]\nhosts = ["10.1.4.1-2", "bmc-3.test"]\ncredentials = "bmc"\n'
        f'[[servers]]\nhosts = ["10.1.4.9"]\nport = 8443\ncredentials = "bmc"\nfingerprint = "{PIN}"\n'
    ))  # fmt: skip
    assert found.targets == ()
    assert [one.place for one in found.servers] == [
        "BMC 10.1.4.1", "BMC 10.1.4.2", "BMC bmc-3.test", "BMC 10.1.4.9 port 8443",
    ]  # fmt: skip
    last = found.servers[-1]
    assert (last.access.user, last.access.fingerprint, last.secret_file) == ("reader", PIN, "/etc/a")
    assert "hidden" not in repr(found)


@pytest.mark.parametrize(
    ("gateway", "told"),
    [
        ("", "names no printers"),
        ("polls = 3", "'polls'"),
        ('[[printers]]\nhosts = "10.1.2.1"', "hosts must be a list"),
        ('[[printers]]\nhosts = ["10.1.2.1"]\ncredentials = "none"', "'none'"),
        ('counters_per_day = 96\n[[printers]]\nhosts = ["10.1.2.1"]', "from 1 to 4"),
        ('[[printers]]\nhosts = ["10.1.2.1"]\nport = true', "port"),
        ('[[servers]]\nhosts = ["10.1.2.1"]', "unknown credentials"),
        ('[[servers]]\nhosts = ["10.1.2.1"]\ncredentials = "main"', "with user and password"),
        ('[[servers]]\nhosts = ["10.1.2.1"]\ncredentials = "bmc"\nca_file = "/none"', "/none"),
        ('[[servers]]\nhosts = ["10.1.2.1"]\ncredentials = "bmc"\nfingerprint = "abc"', "sha256:"),
        (
            f'[[servers]]\nhosts = ["10.1.2.1-2"]\ncredentials = "bmc"\nfingerprint = "{PIN}"',
            "valid for one BMC only",
        ),
        (
            '[[servers]]\nhosts = ["10.1.2.1"]\ncredentials = "bmc"\nverify = false',
            "a group of servers must have",
        ),
        ('[servers]\nhosts = ["10.1.2.1"]', "two brackets"),
        ('[[printers]]\nhosts = ["10.1.2.1"]\ncredentials = "bmc"', "'bmc'"),
    ],
)
def test_a_wrong_entry_is_named_with_its_file(written, gateway, told):
    file = written(gateway)
    with pytest.raises(BadSettings) as error:
        load_configuration(file)
    assert told in str(error.value)
    assert str(file) in str(error.value)


def test_credentials_that_others_may_read_are_refused_with_the_mend(written):
    with pytest.raises(BadSettings, match="chmod 600"):
        load_configuration(written('[[printers]]\nhosts = ["10.1.2.1"]\n', mode=0o644))


@pytest.mark.parametrize(
    "credentials",
    [
        '[main]\nversion = "4"\ncommunity = "hidden"',
        '[main]\nversion = "3"\nuser = "p"\nprivacy = "aes"\nprivacy_key = "hidden"',
        '[main]\nversion = "3"\nuser = "p"\nauth = "hidden"\nauth_key = "hidden"',
        '[main]\ncommunity = "hidden"\npassword = "hidden"',
        '[main]\nversion = "2c"',
    ],
)
def test_wrong_credentials_are_refused_without_being_shown(written, credentials):
    with pytest.raises(BadSettings) as error:
        load_configuration(written('[[printers]]\nhosts = ["10.1.2.1"]\ncredentials = "main"', credentials))
    assert "hidden" not in str(error.value)


def test_what_is_printed_of_a_configuration_holds_no_secret(written):
    assert "hidden" not in repr(
        load_configuration(written('[[printers]]\nhosts = ["10.1.2.1"]\ncredentials = "main"'))
    )


def test_network_devices_are_named_apart_from_printers(written):
    found = load_configuration(
        written('[[printers]]\nhosts = ["10.1.2.3"]\n[[network]]\nhosts = ["10.1.9.1-2"]\n')
    )
    assert [(target.host, target.expected) for target in found.targets] == [
        ("10.1.2.3", "printer"),
        ("10.1.9.1", "network"),
        ("10.1.9.2", "network"),
    ]


def test_power_units_are_named_apart(written):
    found = load_configuration(
        written('[[power]]\nhosts = ["10.1.7.1"]\n[[network]]\nhosts = ["10.1.9.1"]\n')
    )
    assert sorted((target.host, target.expected) for target in found.targets) == [
        ("10.1.7.1", "power"),
        ("10.1.9.1", "network"),
    ]


def test_a_kind_of_device_that_is_no_list_of_tables_is_refused_with_the_mend(written):
    with pytest.raises(BadSettings, match=r"tables \[\[network\]\]"):
        load_configuration(written('[network]\nhosts = ["10.1.9.1"]\n'))
