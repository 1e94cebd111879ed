"""The difference between two policies in words: whether it became stricter, and which cases a region holds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from safecot_dsl.engine import show_condition

if TYPE_CHECKING:
    from safecot_dsl.analysis.difference import PolicyDifference
    from safecot_dsl.analysis.difference_regions import Region

#: So many rules are named.
FEW_NAMES = 3


def verdict(difference: PolicyDifference) -> tuple[str, str]:
    """The word for what became of the policy, and a sentence that says it."""
    within = "" if difference.hazard is None else f" to which a rule on {difference.hazard} applies"
    if difference.identical:
        return "equal", "the policies are the same"
    said = {"laxer": difference.laxer, "stricter": difference.stricter}
    there = [word for word, outcome in said.items() if outcome == "sat"]
    open_ = [word for word, outcome in said.items() if outcome == "undecided"]
    known = {"laxer": difference.partial_laxer, "stricter": difference.partial_stricter}
    only_partial = [word for word, outcome in known.items() if outcome == "sat" and word not in there]
    doubt = [word for word, outcome in known.items() if outcome == "undecided" and word not in open_]
    if there:
        word = " and ".join(there)
        sentence = f"some cases{within} are decided {' and others '.join(f'{w}' for w in there)}"
        if len(there) == 1 and not open_:
            other = "stricter" if there == ["laxer"] else "laxer"
            sentence += f", none {other}"
    elif open_:
        word, sentence = "undecided", f"no changed case{within} was found"
    else:
        word, sentence = "equal", f"every case{within} is decided alike where all facts are known"
        if not only_partial and not doubt:
            sentence = f"every case{within} is decided alike"
            if difference.deciders:
                sentence += ", some by other rules"
            elif difference.texts:
                sentence += "; only texts changed"
    if open_:
        sentence += f"; whether any is {' or '.join(open_)} could not be decided"
    if only_partial:
        sentence += f"; where some facts are unknown, some are {' and '.join(only_partial)}"
    elif doubt:
        sentence += f"; whether any is {' or '.join(doubt)} where facts are unknown could not be decided"
    return word, sentence


def where(region: Region) -> str:
    """The cases of a region: what holds of them, and which rules do not apply."""
    said = show_condition(region.condition)
    if region.outside:
        said += f"{', where' if said else 'where'} {_none_applies(region.outside)}"
    return said or "every case"


def _none_applies(names: tuple[str, ...]) -> str:
    if len(names) == 1:
        return f"{names[0]} does not apply"
    listed = ", ".join(names) if len(names) <= FEW_NAMES else f"{len(names)} other rules"
    return f"none of {listed} applies"
