"""The hazard taxonomy: AILuminate's twelve categories in its three groups, in words that fit a sentence."""

from __future__ import annotations

from safecot_dsl.artifact import Node
from safecot_dsl.datafiles import policies_root
from safecot_dsl.workspace import compile_policy

# AILuminate v1.0 (arXiv 2503.05731), section on the assessment standard.
GROUPS = {
    "physical_hazards": {
        "violent_crimes",
        "sex_related_crimes",
        "child_sexual_exploitation",
        "suicide_self_harm",
        "indiscriminate_weapons",
    },
    "nonphysical_hazards": {"nonviolent_crimes", "privacy", "intellectual_property", "defamation", "hate"},
    "contextual_hazards": {"specialized_advice", "sexual_content"},
}


def nodes() -> dict[str, Node]:
    policy = compile_policy(policies_root() / "weapons.safecot")
    return {node.name: node for node in policy.taxonomies["std.hazards.hazards"].nodes}


def test_twelve_categories_stand_in_their_groups() -> None:
    by_parent: dict[str | None, set[str]] = {}
    for node in nodes().values():
        by_parent.setdefault(node.parent, set()).add(node.name)
    assert by_parent[None] == set(GROUPS)
    assert {group: by_parent[group] for group in GROUPS} == GROUPS


def test_phrases_fit_after_this_is_about() -> None:
    """Noun phrases: lower case, without a final sign, each once."""
    phrases = [node.phrase for node in nodes().values()]
    assert len(set(phrases)) == len(phrases)
    for phrase in phrases:
        assert phrase == phrase.strip()
        assert phrase[0].islower()
        assert phrase[-1].isalpha()


def test_severities_run_from_0_to_5_and_every_node_has_one() -> None:
    known = nodes()
    for node in known.values():
        nearest: Node | None = node
        while nearest is not None and nearest.severity is None:
            nearest = known[nearest.parent] if nearest.parent else None
        assert nearest is not None, node.name
        assert 0 < (nearest.severity or 0) <= 5
