"""Which objects a policy treats alike."""

from __future__ import annotations

from safecot_dsl.artifact import CompiledPolicy, Has, SetType, atoms


def kinds_of(policy: CompiledPolicy, fact: str) -> dict[str, str]:
    """Value to kind, for a `set of` fact: two values are of one kind where no condition on membership tells them apart.

    A kind is named after the smallest group that has it, or `other` where no condition speaks of it.
    """
    groups: dict[tuple[str, ...], str] = {}
    for condition in (condition for rule in policy.rules for condition in rule.conditions):
        for atom in atoms(condition):
            if isinstance(atom, Has) and atom.fact == fact:
                groups[atom.values] = atom.group or "_".join(atom.values)
    kind_type = policy.fact_index[fact].type
    assert isinstance(kind_type, SetType)
    kinds: dict[str, str] = {}
    names: dict[frozenset[tuple[str, ...]], str] = {}
    for value in kind_type.values:
        signature = frozenset(values for values in groups if value.name in values)
        if signature not in names:
            smallest = min(signature, key=lambda values: (len(values), groups[values]), default=None)
            name = groups[smallest] if smallest is not None else "other"
            names[signature] = name if name not in names.values() else f"{name}_{len(names)}"
        kinds[value.name] = names[signature]
    return kinds
