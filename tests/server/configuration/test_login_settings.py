"""The table [login] of the settings file: what it takes, and a sentence for what it does not."""

import click
import pytest
from parcimetre_server.base.errors import BadSetting
from parcimetre_server.base.scope import Scope
from parcimetre_server.cli import options, serve
from parcimetre_server.configuration.login_settings import login_settings

TABLE = {
    "issuer": "https://id.example.org/realms/metropole",
    "client_id": "parcimetre",
    "public_url": "https://parcimetre.example.org/",
    "groups": {"all": {"role": "viewer", "everything": True}, "it": {"role": "admin", "org_unit": "M/A"}},
}


def test_no_table_means_no_provider():
    assert login_settings(None) is None


def test_the_address_to_register_has_no_double_slash():
    assert login_settings(TABLE).callback == "https://parcimetre.example.org/login/callback"


@pytest.mark.parametrize(
    ("groups", "scope"),
    [(["x", "it"], Scope("M/A", "admin")), (["it", "all"], Scope(None, "viewer")), (["x"], None), ([], None)],
)
def test_the_first_mapped_group_counts(groups, scope):
    found = login_settings(TABLE).scope_of(groups)
    assert (found[1] if found else None) == scope


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"issuer": ""}, "issuer is missing"),
        ({"issuer": "http://id.example.org"}, "https://"),
        ({"public_url": "parcimetre"}, "https://"),
        ({"secret": "x"}, "unknown setting 'secret'"),
        ({"claim": 3}, "must be a text in quotes"),
        ({"client_auth": "private_key_jwt"}, "client_secret_basic or client_secret_post"),
        ({"groups": {}}, "login.groups"),
        ({"groups": {"g": {"role": "root", "everything": True}}}, "role is missing"),
        ({"groups": {"g": {"role": "admin"}}}, "org_unit or everything"),
        ({"groups": {"g": {"role": "admin", "everything": True, "org_unit": "M"}}}, "org_unit or everything"),
        ({"groups": {"g": {"role": "admin", "unit": "M"}}}, "unknown key 'unit'"),
    ],
)
def test_a_fault_is_one_sentence_with_the_mend(changed, told):
    with pytest.raises(BadSetting, match=told):
        login_settings({**TABLE, **changed})


def test_the_public_address_is_stated_once():
    table = {name: value for name, value in TABLE.items() if name != "public_url"}
    assert login_settings(table, "https://intranet/p").callback == "https://intranet/p/login/callback"
    with pytest.raises(BadSetting, match=r"remove the line of \[login\]"):
        login_settings(TABLE, "https://intranet/p")
    with pytest.raises(BadSetting, match="public_url is missing"):
        login_settings(table)


def test_a_secret_that_cannot_be_read_is_named(tmp_path):
    table = {**TABLE, "client_secret_file": str(tmp_path / "absent")}
    with pytest.raises(BadSetting, match="absent"):
        login_settings(table).secret()


def test_the_table_comes_from_the_settings_file_beside_the_options(tmp_path):
    file = tmp_path / "parcimetre.toml"
    file.write_text('port = 8080\n[login]\nissuer = "https://id.example.org"\n')
    context = click.Context(serve.command)
    options.read_config(context, serve.command.params[0], file)
    assert context.default_map == {"port": 8080}
    with pytest.raises(BadSetting, match="client_id is missing"):
        login_settings(context.meta[options.LOGIN])
