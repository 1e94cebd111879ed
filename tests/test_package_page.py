"""What the package index shows: see `hatch_build.py`."""

from __future__ import annotations

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from hatch_build import CustomMetadataHook, absolute  # noqa: E402

HOME = "https://github.com/owner/safecot-dsl"


def test_links_and_pictures_are_absolute() -> None:
    text = "![a [b] c](docs/images/x.png) and [tables](docs/t.md#there), [out](https://x.org/y), [here](#map)"
    assert absolute(text, HOME, "v1") == (
        f"![a [b] c]({HOME}/raw/v1/docs/images/x.png) and [tables]({HOME}/blob/v1/docs/t.md#there), "
        "[out](https://x.org/y), [here](#map)"
    )


def test_every_link_of_the_readme_leads_somewhere_on_the_index(monkeypatch) -> None:
    monkeypatch.setenv("SAFECOT_REPOSITORY", HOME)
    monkeypatch.delenv("SAFECOT_REVISION", raising=False)
    metadata: dict = {}
    CustomMetadataHook(str(ROOT), {}).update(metadata)
    links = re.findall(r"\]\(([^)]*)\)", metadata["readme"]["text"])
    assert len(links) > 20
    assert [link for link in links if not link.startswith(("https://", "#"))] == []
    for link in links:
        if link.startswith(HOME):
            assert (ROOT / re.sub(r"^.*?/(raw|blob)/main/|#.*", "", link)).exists()
    assert metadata["urls"]["Repository"] == HOME


def test_without_an_address_nothing_is_made_up(monkeypatch) -> None:
    monkeypatch.delenv("SAFECOT_REPOSITORY", raising=False)
    metadata: dict = {}
    CustomMetadataHook(str(ROOT), {}).update(metadata)
    assert metadata["readme"]["text"] == (ROOT / "README.md").read_text(encoding="utf-8")
    assert "urls" not in metadata
