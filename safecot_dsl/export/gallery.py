"""Cases of a policy, one of each sort, with the texts that they compile to: to be read aloud."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from random import Random

from safecot_dsl.analysis.draws import ValueDraws
from safecot_dsl.analysis.encoding import Encoding
from safecot_dsl.artifact import UNKNOWN, Case, CompiledPolicy, Decision, SetType, read_case
from safecot_dsl.engine import Interpreter, show_value
from safecot_dsl.render import ReasoningStyle, Rendered, Renderer, write_target

#: So many cases are drawn to find one of each sort.
DRAWN = 4_000
_LONG = 4  # members of a set that make a long list
#: Stands where the data source's own answer does.
SOURCE_ANSWER = "(The answer of the data source.)"


@dataclass(frozen=True)
class GalleryCase:
    """A case in the gallery: what it is there for, its facts, and its text."""

    heading: str
    case: Case
    text: str


@dataclass(frozen=True)
class _Candidate:
    case: Case
    decision: Decision
    rendered: Rendered

    @property
    def steps(self) -> Sequence[str]:
        return [sentence.text for sentence in self.rendered.reasoning]

    @property
    def contrasts(self) -> bool:
        """Whether a rule is weighed that does not apply."""
        keys = [sentence.key or "" for sentence in self.rendered.reasoning]
        return any(".contrast." in key for key in keys)


def gallery(policy: CompiledPolicy, *, seed: int = 0) -> list[GalleryCase]:
    """A refusal, a case of each exception, a near miss, a harmless request, an unknown, a supposition, several things
    and a long list, as far as the policy has them; no case twice."""
    interpreter = Interpreter(policy)
    renderer = Renderer(interpreter)
    found: dict[str, _Candidate] = {}
    sorts = dict(_sorts(policy))
    taken: set[Case] = set()
    for case in _cases(policy, seed):
        decision = interpreter.decide(case)
        rendered = renderer.render(
            case, style=ReasoningStyle.STEPWISE, seed=f"{seed} gallery", source_answer=SOURCE_ANSWER, decision=decision
        )
        candidate = _Candidate(case, decision, rendered)
        heading = next((name for name, fits in sorts.items() if name not in found and fits(candidate)), None)
        if heading is not None and case not in taken:
            found[heading] = candidate
            taken.add(case)
        if len(found) == len(sorts):
            break
    return [GalleryCase(name, found[name].case, write_target(found[name].rendered)) for name in sorts if name in found]


def gallery_page(policies: Sequence[CompiledPolicy], *, seed: int = 0, level: int = 1) -> str:
    """The gallery of each policy as Markdown."""
    parts: list[str] = []
    for policy in policies:
        parts.append(f"{'#' * level} {policy.header.title or policy.header.name}")
        for shown in gallery(policy, seed=seed):
            facts = "; ".join(_facts(shown.case))
            parts.append(f"{'#' * (level + 1)} {shown.heading}\n\n{facts}\n\n```text\n{shown.text}\n```")
    return "\n\n".join(parts) + "\n"


def _facts(case: Case) -> Iterator[str]:
    for name, value in sorted(case.known.items()):
        yield f"`{name}` {show_value(value)}"
    for name in sorted(case.cannot_tell):
        yield f"`{name}` cannot be told"


def _sorts(policy: CompiledPolicy) -> Iterator[tuple[str, Callable[[_Candidate], bool]]]:
    def by(*verdicts: str) -> Callable[[_Candidate], bool]:
        return lambda one: one.decision.verdict in verdicts and one.decision.certain and not _is_exception(policy, one)

    yield "A refusal", by("refuse")
    for rule in policy.rules:
        if rule.exception_to:
            yield f"The exception `{rule.name}`", lambda one, name=rule.name: one.decision.deciding == (name,)
    yield "A near miss", lambda one: one.decision.speaker == "default" and one.contrasts
    yield "A harmless request", lambda one: one.decision.speaker == "default" and _is_untouched(one)
    yield "Something that cannot be told", lambda one: one.decision.speaker == "unsure" and bool(one.case.cannot_tell)
    yield "A supposition", lambda one: any(text.startswith("I suppose that ") for text in one.steps)
    yield "Several things", lambda one: _largest(one.case) in (2, 3)
    yield "A long list", lambda one: _largest(one.case) >= _LONG


def _is_exception(policy: CompiledPolicy, one: _Candidate) -> bool:
    rule = policy.rule_index.get(one.decision.speaker)
    return rule is not None and bool(rule.exception_to)


def _is_untouched(one: _Candidate) -> bool:
    return any(s.step == "weigh" and s.about is None and s.rule == "default" for s in one.rendered.reasoning)


def _largest(case: Case) -> int:
    sizes = [len(value) for value in case.known.values() if isinstance(value, frozenset)]
    return max(sizes, default=0)


def _cases(policy: CompiledPolicy, seed: int) -> Iterator[Case]:
    """The policy's own examples, and then drawn cases: whole ones, with a fact that cannot be told, without what is
    only supposed, and with a long list."""
    for example in policy.examples:
        yield read_case(policy, {"facts": example.given})
    random = Random(f"{seed} gallery")
    draws = ValueDraws(Encoding(policy))
    supposed = [fact.name for fact in policy.facts if fact.assume is not None]
    sets = [fact for fact in policy.facts if isinstance(fact.type, SetType)]
    asked = [fact.name for fact in policy.facts if fact.ask is not None]
    for number in range(DRAWN):
        case = draws.case(random)
        for name in supposed:
            if random.random() < 0.7:
                case = case.with_fact(name, None)
        if number % 4 == 1 and asked:
            case = case.with_fact(random.choice(asked), UNKNOWN)
        if number % 8 == 2 and sets:
            fact = random.choice(sets)
            assert isinstance(fact.type, SetType)
            names = [value.name for value in fact.type.values]
            case = case.with_fact(fact.name, frozenset(random.sample(names, min(len(names), random.randint(4, 6)))))
        yield case
