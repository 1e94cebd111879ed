"""Keys of clients: read from a file or the environment, short ones refused, any compared with all."""

import hmac

import pytest

from safecot_dsl.guard.keys import ClientKeys, client_keys

GOOD, OTHER = "a" * 16, "b" * 24


def test_keys_come_from_a_file_and_from_the_environment(tmp_path, monkeypatch):
    path = tmp_path / "keys"
    path.write_text(f"# ours\n\n  {GOOD}  \n")
    monkeypatch.setenv("KEYS", f"{OTHER}\n{'c' * 16}")
    keys = client_keys(path, "KEYS")
    assert all(key in keys for key in (GOOD, OTHER, "c" * 16))
    assert "# ours" not in keys
    assert "" not in keys
    assert client_keys(None, None) is None


@pytest.mark.parametrize("text", ["", "# nothing\n", "short\n"])
def test_a_file_without_keys_opens_no_door(tmp_path, text):
    path = tmp_path / "keys"
    path.write_text(text)
    with pytest.raises(ValueError, match="key"):
        client_keys(path, None)


def test_every_key_is_compared_whichever_fits(monkeypatch):
    compared = []
    real = hmac.compare_digest
    monkeypatch.setattr(hmac, "compare_digest", lambda one, other: compared.append(len(one)) or real(one, other))
    keys = ClientKeys([GOOD, OTHER, "c" * 16])
    for given in (GOOD, OTHER, "no"):
        compared.clear()
        assert (given in keys) is (given != "no")
        assert compared == [32, 32, 32]
