"""What no rule speaks of: nodes of a taxonomy (SC1107) and facts (SC1121)."""

from __future__ import annotations

from collections.abc import Iterator

from safecot_dsl.analysis.examination import Finding, listed
from safecot_dsl.artifact import CompiledPolicy, FactSlot, OneOfType, Speech, Taxonomy, TreeAtom, atoms, facts_read
from safecot_dsl.diagnostics import Code


def mention_findings(policy: CompiledPolicy, *, imported: bool = False) -> Iterator[Finding]:
    """Of each fact that ranges over a taxonomy the nodes that no condition of a rule reads, and of each taxonomy of
    hazards those that are no rule's hazard, nor above or below one.

    A taxonomy of hazards that is not the policy's own is meant for many policies; it counts only with `imported`.
    """
    read: dict[str, set[str]] = {}
    for rule in policy.rules:
        for condition in (rule.when, rule.unless):
            for atom in atoms(condition) if condition is not None else ():
                if isinstance(atom, TreeAtom):
                    read.setdefault(atom.fact, set()).update(atom.values)
    ranged: set[str] = set()
    for fact in policy.facts:
        if isinstance(fact.type, OneOfType) and fact.type.taxonomy in policy.taxonomies:
            ranged.add(fact.type.taxonomy)
            missing = _topmost(policy.taxonomies[fact.type.taxonomy], read.get(fact.name, set()))
            if missing:
                yield Finding(
                    Code.UNMENTIONED_HARM,
                    f"fact:{fact.name}",
                    f"no rule reads whether `{fact.name}` is {listed(missing, word='or')}",
                    help="a value that no rule reads is left to `default`",
                )
    hazards = {rule.hazard for rule in policy.rules}
    for name, taxonomy in policy.taxonomies.items():
        prefix = name.rpartition(".")[0]
        if name in ranged or (prefix and not imported):
            continue
        parents = {node.name: node.parent for node in taxonomy.nodes}
        used = [node.name for node in taxonomy.nodes if (f"{prefix}.{node.name}" if prefix else node.name) in hazards]
        spoken = set(used)
        for node in used:  # what is above a hazard is spoken of
            above = parents[node]
            while above is not None:
                spoken.add(above)
                above = parents[above]
        for node in taxonomy.nodes:  # and what is below one; parents come first
            if node.parent is not None and (node.parent in used or _below(node.parent, used, parents)):
                spoken.add(node.name)
        missing = _topmost(taxonomy, spoken)
        if missing:
            yield Finding(
                Code.UNMENTIONED_HARM,
                f"taxonomy:{name}",
                f"of the taxonomy `{name}`, no rule is about {listed(missing, 12, word='or')}",
            )


def unread_findings(policy: CompiledPolicy) -> Iterator[Finding]:
    """SC1121: facts of the policy's own that neither a condition reads nor a text names. A library's may be meant for
    another policy, and a policy without rules is one that is being begun."""
    if not policy.rules:
        return
    used = {slot.fact for speech in _speeches(policy) for slot in _slots(speech)}
    for rule in policy.rules:
        used.update(facts_read(*rule.conditions, *(step.when for step in rule.speech.think)))
    spans = policy.source_map.spans
    own = {span.file for key, span in spans.items() if key == "default" or key.startswith("rule:")}
    unread = [
        fact.name
        for fact in policy.facts
        if fact.name not in used and (not own or getattr(spans.get(f"fact:{fact.name}"), "file", "") in own)
    ]
    if unread:
        several = len(unread) > 1
        yield Finding(
            Code.UNREAD_FACT,
            f"fact:{unread[0]}",
            f"no rule reads {listed(unread, 8, word='or')}",
            help=f"write the rule that {'they were' if several else 'it was'} declared for, or take "
            f"{'them' if several else 'it'} away: whoever annotates looks for {'them' if several else 'it'} in vain",
        )


def _speeches(policy: CompiledPolicy) -> Iterator[Speech]:
    yield from (rule.speech for rule in policy.rules)
    yield from (policy.default_speech, policy.unsure_speech)


def _slots(speech: Speech) -> Iterator[FactSlot]:
    templates = [template for step in speech.think for template in step.alternatives]
    spoken = [part.template for part in (speech.answer.say, speech.answer.offer) if part is not None]
    templates += [template for template in spoken if template is not None]
    yield from (segment for template in templates for segment in template if isinstance(segment, FactSlot))


def _below(node: str | None, used: list[str], parents: dict[str, str | None]) -> bool:
    while node is not None:
        if node in used:
            return True
        node = parents[node]
    return False


def _topmost(taxonomy: Taxonomy, spoken: set[str]) -> list[str]:
    """The nodes that are not spoken of; of those one below the other, where all below is not either, the upper."""
    children: dict[str | None, list[str]] = {}
    for node in taxonomy.nodes:
        children.setdefault(node.parent, []).append(node.name)
    silent: dict[str, bool] = {}
    for node in reversed(taxonomy.nodes):  # children come after their parents
        silent[node.name] = node.name not in spoken and all(silent[child] for child in children.get(node.name, []))
    return [
        node.name
        for node in taxonomy.nodes
        if node.name not in spoken
        and (silent[node.name] or not children.get(node.name))
        and not (node.parent is not None and silent[node.parent])
    ]
