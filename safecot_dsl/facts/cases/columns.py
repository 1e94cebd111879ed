"""Which column of a table holds which fact."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass

from safecot_dsl.artifact import CompiledPolicy, Subject
from safecot_dsl.diagnostics import closest

_SUBJECTS = tuple(subject.value for subject in Subject)
_OTHER = re.compile(r"[^a-z0-9]+")
#: Columns that are never a fact by their bare name: what a row is called, what is asked and answered, what is due.
OWN = frozenset({"id", "prompt", "image", "images", "answer", "split", "response", "due"})


@dataclass(frozen=True)
class CaseColumns:
    """`facts` are the columns that hold facts, by the fact's name; `others` those that hold none, in order; `faults`
    what is wrong with the rest: one that is named as a fact is and is none, or could be several. `alike` are those of
    the others that are called nearly what a fact without a column is called, each with that fact."""

    facts: Mapping[str, str]
    others: tuple[str, ...]
    faults: tuple[str, ...]
    alike: tuple[tuple[str, str], ...] = ()

    @property
    def renamed(self) -> tuple[tuple[str, str], ...]:
        """The columns that are not written as their fact is, each with its fact."""
        return tuple((column, fact) for fact, column in self.facts.items() if column != fact)


def match_columns(
    policy: CompiledPolicy, names: Iterable[str], *, bare: bool, shared: bool = False, taken: Collection[str] = ()
) -> CaseColumns:
    """The columns of these names as facts of a policy.

    A column is a fact's by its full name (`image.drug`), where case, spaces and signs between the words do not matter
    (`Image Drug`). With `bare`, the name alone will do (`drug`), if only one fact and one column is called so. Where
    other policies read a table too (`shared`), it may have their facts: a column is misspelt only where a fact of a
    name like it has no column, and is none of those that come from elsewhere (`taken`).
    """
    names = list(names)
    full = {_folded(fact.name): fact.name for fact in policy.facts}
    own_name: dict[str, list[str]] = {}
    for fact in policy.facts:
        own_name.setdefault(fact.name.partition(".")[2], []).append(fact.name)
    found: dict[str, str] = {}
    faults: list[str] = []
    rest: list[str] = []
    for name in names:
        fact = name if name in policy.fact_index else full.get(_folded(name))
        if fact is None:
            rest.append(name)
        elif fact in found:
            faults.append(f"the columns `{found[fact]}` and `{name}` are both `{fact}`; drop one")
        else:
            found[fact] = name
    others: list[str] = []
    for name in rest:
        meant = own_name.get(_folded(name), []) if bare and _folded(name) not in OWN else []
        if len(meant) == 1 and meant[0] not in found:
            found[meant[0]] = name
        elif len(meant) > 1:
            faults.append(f"the column `{name}` could be {' or '.join(f'`{fact}`' for fact in meant)}; write which")
        else:
            others.append(name)
    for name in tuple(others):
        hint, fault = _misspelt(policy, name)
        if fault is not None and (not shared or (hint is not None and hint not in found and hint not in taken)):
            faults.append(fault)
            others.remove(name)
    return CaseColumns(found, tuple(others), tuple(faults), tuple(_alike(policy, others, found)) if bare else ())


def _folded(name: str) -> str:
    return _OTHER.sub("_", name.strip().lower()).strip("_")


def _misspelt(policy: CompiledPolicy, name: str) -> tuple[str | None, str | None]:
    """The fact that was probably meant by a column whose name begins as those of facts do, and what is wrong with it;
    None for any other column."""
    subject, dot, rest = name.strip().lower().partition(".")
    if not dot or subject not in _SUBJECTS or not rest:
        return None, None
    hint = meant_fact(policy, name.strip().lower())
    also = f"; did you mean `{hint}`?" if hint else ""
    return hint, f"the column `{name}` is no fact of the policy{also}; rename or drop it"


def _alike(policy: CompiledPolicy, others: Iterable[str], found: Collection[str]) -> Iterator[tuple[str, str]]:
    """The columns whose bare name is nearly that of a fact which no column holds, each with that fact."""
    for name in others:
        folded = _folded(name)
        fact = None if folded in OWN or "." in name else meant_fact(policy, folded)
        if fact is not None and fact not in found:
            yield name, fact


def meant_fact(policy: CompiledPolicy, name: str) -> str | None:
    """The fact whose own name is like that of `name`, of the same subject if there is one; None where none is."""
    subject, _, own = name.rpartition(".")
    alike = closest(own, [fact.name.partition(".")[2] for fact in policy.facts])
    facts = [fact.name for fact in policy.facts if fact.name.partition(".")[2] == alike]
    return next((fact for fact in facts if fact.startswith(f"{subject}.")), facts[0] if facts else None)
