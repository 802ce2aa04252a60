"""Secrets leave a machine encrypted, or by an explicit setting."""

import pytest
from parcimetre_agent.base.errors import BadSettings
from parcimetre_agent.configuration.settings import Settings
from parcimetre_agent.sending.encryption import check_encryption, encryption_warning, is_plain


@pytest.mark.parametrize(
    "server",
    ["http://collector", "http://192.0.2.1:8787", "http://[2001:db8::1]", "http://localhost.example.org",
     "http://127.0.0.1@evil.example", "http://[::ffff:192.0.2.1]", "http://[bad"],
)  # fmt: skip
def test_plain_http_to_another_machine_needs_a_setting_and_is_warned_of_even_with_it(server: str) -> None:
    assert is_plain(server)
    with pytest.raises(BadSettings, match="allow_http"):
        check_encryption(Settings(server=server), None)
    check_encryption(Settings(server=server, allow_http=True), None)
    assert "allow_http" in (encryption_warning(Settings(server=server), None) or "")
    assert "reverse proxy" in (encryption_warning(Settings(server=server, allow_http=True), None) or "")


@pytest.mark.parametrize(
    "server",
    [None, "https://collector", "http://127.0.0.1:8787", "http://127.8.9.1", "http://localhost:8787",
     "http://LOCALHOST.", "http://[::1]:8787", "http://[::ffff:127.0.0.1]"],
)  # fmt: skip
def test_tls_and_this_very_machine_need_none(server: str | None) -> None:
    check_encryption(Settings(server=server), None)
    assert encryption_warning(Settings(server=server), None) is None
