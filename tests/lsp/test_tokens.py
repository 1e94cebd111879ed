"""Every name of a policy has a meaning, and semantic tokens lie in the text one after another, whatever the text is."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from safecot_dsl.artifact import Header, Verdict
from safecot_dsl.compiler.syntax import tree as t
from safecot_dsl.compiler.syntax.node import TreeNode
from safecot_dsl.datafiles import policies_root
from safecot_dsl.lsp.documents import Documents, Snapshot
from safecot_dsl.lsp.tokens import TYPES, semantic_tokens

POLICIES = sorted(path.relative_to(policies_root()).as_posix() for path in policies_root().glob("**/*.safecot"))


def snapshot_of(path: Path, text: str) -> Snapshot:
    documents = Documents()
    documents.put(path.as_uri(), text, 1)
    snapshot = documents.snapshot(path.as_uri())
    assert snapshot is not None
    return snapshot


def names(node: Any) -> Iterator[t.Name | t.QName]:
    if isinstance(node, t.Name | t.QName):
        yield node
    elif isinstance(node, tuple):
        for part in node:
            yield from names(part)
    elif isinstance(node, TreeNode):
        for field in node.fields:
            yield from names(getattr(node, field))


@pytest.mark.parametrize("policy", POLICIES)
def test_every_name_of_a_shipped_policy_has_a_meaning(policy: str) -> None:
    """But for the words that are the language's own, and the last class of criteria."""
    path = (policies_root() / policy).resolve()
    snapshot = snapshot_of(path, path.read_text(encoding="utf-8"))
    assert not snapshot.opened.failed
    known = {entry.end for entry in snapshot.program.occurrences(snapshot.module)}
    others = {*Verdict, *Header.model_fields, "yes", "no", "default", "unsure"}
    others |= {classes.otherwise.text for c in snapshot.module.of(t.CriteriaDecl) for classes in c.classes}
    without = [name.text for name in names(snapshot.module.tree) if name.end not in known and name.text not in others]
    assert without == []


@pytest.mark.parametrize("policy", ["household_chemicals.safecot", "std/criteria.safecot", "text_in_image.safecot"])
def test_tokens_lie_in_their_lines_one_after_another(policy: str) -> None:
    path = (policies_root() / policy).resolve()
    text = path.read_text(encoding="utf-8")
    broken = (text.replace("}", "", 1), text.replace('"', "", 1), text.replace("when", "wehn"), text.replace("a", "😀"))
    for variant in (text, text[: len(text) // 2], *broken):
        snapshot = snapshot_of(path, variant)
        data = list(semantic_tokens(snapshot).data)
        line = column = end = 0
        for i in range(0, len(data), 5):
            down, right, length, kind, modifiers = data[i : i + 5]
            line, column, end = line + down, right if down else column + right, 0 if down else end
            assert down >= 0
            assert length > 0
            assert end <= column
            end = column + length
            assert end <= snapshot.document.text.units(snapshot.document.text.line(line))
            assert kind < len(TYPES)
            assert modifiers < 8
