"""Random policies as text: the compiler makes of it what was meant, in whatever order and files it stands."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
from strategies import HEAD, cases, declarations, examples, policies, skeletons

from safecot_dsl.artifact import Case, CompiledPolicy
from safecot_dsl.diagnostics import DiagnosticsError
from safecot_dsl.engine import Interpreter
from safecot_dsl.workspace import compile_policy

PolicyFrom = Callable[..., CompiledPolicy]


def compiled(declared: Sequence[str], libraries: Mapping[str, Sequence[str]] = {}) -> CompiledPolicy:
    """The policy that these declarations give, with libraries beside it that it imports."""
    with tempfile.TemporaryDirectory() as folder:
        for name, texts in libraries.items():
            head = f'library {name} {{ version "1" }}\n'
            (Path(folder) / f"{name}.safecot").write_text(head + "\n".join(texts), encoding="utf-8")
        path = Path(folder) / "p.safecot"
        path.write_text(HEAD + "\n".join(declared), encoding="utf-8")
        return compile_policy(path)


def decisions(policy: CompiledPolicy, tried: Sequence[Case]) -> list[dict[str, object]]:
    interpreter = Interpreter(policy)
    return [interpreter.decide(case).model_dump(exclude={"policy"}) for case in tried]


@st.composite
def policies_with_cases(draw: st.DrawFn) -> tuple[CompiledPolicy, list[Case]]:
    policy = draw(st.one_of(policies(), policies(), skeletons()))
    return policy, draw(st.lists(cases(policy), min_size=5, max_size=5))


@examples(60)
@given(policies_with_cases())
def test_text_compiles_to_the_policy_that_it_says(built_with_cases: tuple[CompiledPolicy, list[Case]]) -> None:
    built, tried = built_with_cases
    policy = compiled(declarations(built))
    assert {fact.name: fact for fact in policy.facts} == {fact.name: fact for fact in built.facts}
    assert {name: hazard.severity for name, hazard in policy.hazards.items()} == {
        name: hazard.severity for name, hazard in built.hazards.items()
    }
    assert [rule.name for rule in policy.rules] == [rule.name for rule in built.rules]
    assert decisions(policy, tried) == decisions(built, tried)


@examples(40)
@given(policies_with_cases(), st.data())
def test_the_order_of_declarations_does_not_matter(
    built_with_cases: tuple[CompiledPolicy, list[Case]], data: st.DataObject
) -> None:
    built, tried = built_with_cases
    texts = declarations(built)
    policy, permuted = compiled(texts), compiled(data.draw(st.permutations(texts)))
    assert permuted.digest == policy.digest
    assert decisions(permuted, tried) == decisions(policy, tried)


@examples(40)
@given(policies_with_cases(), st.data())
def test_the_order_of_files_does_not_matter(
    built_with_cases: tuple[CompiledPolicy, list[Case]], data: st.DataObject
) -> None:
    """Facts move to two libraries that are imported in either order, from the policy or from one another."""
    built, tried = built_with_cases
    texts = declarations(built)
    # A fact of a taxonomy stays beside it: in another file it would be written under the import's name.
    movable = [text for text in texts if text.startswith("facts") and "kinds" not in text]
    rest = [text for text in texts if text not in movable]
    where = [data.draw(st.sampled_from(["one", "two", None])) for _ in movable]
    libraries = {
        name: [text for text, place in zip(movable, where, strict=True) if place == name] for name in ("one", "two")
    }
    stay = [text for text, place in zip(movable, where, strict=True) if place is None]
    together = compiled(texts)
    apart = [
        compiled(["import one", "import two", *stay, *rest], libraries),
        compiled(["import two", *rest, "import one", *stay], libraries),
        compiled(["import one", *stay, *rest], {**libraries, "one": ["import two", *libraries["one"]]}),
    ]
    for policy in apart:
        assert policy.digest == together.digest
        assert decisions(policy, tried) == decisions(together, tried)


def test_the_order_of_imports_does_not_matter_where_two_give_the_same_phrases(policy_from: PolicyFrom) -> None:
    """Two imports that each give the phrases of a verdict: an error both ways round, or the same policy both ways."""
    files = {
        f"{name}.safecot": f'library {name} {{ version "1" }}\nphrases say_refuse {{ "No, says {name}." }}\n'
        for name in ("one", "two")
    }

    def outcome(imports: str) -> str:
        try:
            return policy_from(f"{imports}\ndefault comply unsure clarify", files=files).digest
        except DiagnosticsError:
            return "error"

    assert outcome("import one import two") == outcome("import two import one")
