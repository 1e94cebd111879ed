"""What an address hides is written down nowhere."""

from __future__ import annotations

import pytest

from safecot_dsl.models import EndpointSettings
from safecot_dsl.storage.secrets import command_line, public_url, scrubbed


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("http://localhost:8000/v1", "http://localhost:8000/v1"),
        ("https://ann:s3cret@host:1/v1", "https://host:1/v1"),
        ("https://s3cret@host/v1", "https://host/v1"),
        ("https://a:s3@cret@host/v1", "https://host/v1"),
        ("https://host/v1?api-version=2026-01&api_key=s3cret", "https://host/v1?api-version=2026-01&api_key=***"),
        ("https://host/v1?sig=s3cret&x=s3cret#s3cret", "https://host/v1?sig=***&x=***"),
        ("https://host/v1?s3cret", "https://host/v1?s3cret=***"),
        ("https://[s3cret", "***"),
    ],
)
def test_addresses(url: str, shown: str) -> None:
    assert public_url(url) == shown.replace("?s3cret=***", "?***")
    assert scrubbed(f"cannot reach '{url}' now") == f"cannot reach '{public_url(url)}' now"


def test_a_text_without_an_address_is_as_it_was() -> None:
    assert scrubbed("a:b@c?key=1") == "a:b@c?key=1"


def test_commands_and_settings() -> None:
    secret = "https://ann:s3cret@host/v1?key=s3cret"
    words = ["ask", "--endpoint", secret, f"--set=data.x={secret}"]
    assert "s3cret" not in command_line(words)
    settings = EndpointSettings(base_url=secret, model="m")
    assert settings.base_url == secret
    for written in (settings.model_dump(), settings.model_dump_json(), settings, repr(settings)):
        assert "s3cret" not in str(written)
