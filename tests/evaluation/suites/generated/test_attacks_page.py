"""docs/how-to/attacks.md names what there is."""

from __future__ import annotations

from pathlib import Path

from safecot_dsl.evaluation.suites.generated import MADE
from safecot_dsl.evaluation.suites.generated.attacks import ATTACKS

PAGE = (Path(__file__).parents[4] / "docs" / "how-to" / "attacks.md").read_text(encoding="utf-8")


def test_every_suite_and_attack_is_on_the_page() -> None:
    assert [name for name in [*MADE, *ATTACKS] if f"`{name}`" not in PAGE] == []
