"""The table [mail]: what is missing or unsafe is refused with the mend."""

import pytest
from parcimetre_server.base.errors import BadSetting
from parcimetre_server.configuration.mail_settings import mail_settings

LEAST = {"host": "smtp.example", "sender": "p@example.org"}


@pytest.mark.parametrize(("security", "port"), [("starttls", 587), ("tls", 465), ("none", 25)])
def test_the_port_follows_the_security(security, port):
    assert mail_settings(LEAST | {"security": security}).port == port
    assert mail_settings(None) is None


@pytest.mark.parametrize(
    ("more", "why"),
    [({"host": ""}, "host is missing"), ({"sender": 3}, "sender is missing"), ({"port": 0}, "port"),
     ({"port": True}, "port"), ({"security": "ssl"}, "give starttls"), ({"colour": 1}, "unknown setting"),
     ({"password_file": 3}, "in quotes"), ({"timeout_s": 6000}, "600 at most"),
     ({"security": "none", "user": "u"}, "needs TLS")],
)  # fmt: skip
def test_what_cannot_be_obeyed_is_refused(more, why):
    with pytest.raises(BadSetting, match=why):
        mail_settings(LEAST | more)


def test_a_password_is_read_when_it_is_needed_and_its_absence_is_told(tmp_path):
    settings = mail_settings(LEAST | {"password_file": str(tmp_path / "password")})
    with pytest.raises(BadSetting, match="cannot read"):
        settings.password()
    (tmp_path / "password").write_text("s3cret\n")
    assert settings.password() == "s3cret"
