"""A policy prompt for gpt-oss-safeguard, which goes into its system message.

The structure is that of the model's user guide: instructions, definitions, criteria both ways, examples near the
boundary, and the format of the output told twice (OpenAI cookbook, articles/gpt-oss-safeguard-guide.md).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from itertools import islice

from safecot_dsl.artifact import Case, CompiledPolicy, Decision, Rule, Verdict, read_case
from safecot_dsl.engine import Interpreter
from safecot_dsl.export.english import DOES, English, known_value, supposed
from safecot_dsl.export.target import (
    Exported,
    exceptions,
    lost_by_prose,
    origin,
    own,
    policy_title,
    sound_examples,
    under,
    violates,
)
from safecot_dsl.render import Tags, neutralise
from safecot_dsl.render.english import capitalised
from safecot_dsl.render.phrasing import title

#: The guide's best range ends at this many tokens, and it speaks of reasonable output up to the second number.
BEST_TOKENS, MOST_TOKENS = 600, 10_000

#: The guide asks for four to six examples.
FEWEST_EXAMPLES, MOST_EXAMPLES = 4, 6

# For each question to the solver.
_SECONDS = 2.0


def export_safeguard(policy: CompiledPolicy, strict: Verdict) -> Exported:
    """The prompt; a request violates where its verdict is `strict` or stricter.

    The answer is an object `{"violation": 0|1, "policy_category": RULE|"default"|"unsure"|null}`: the guide's
    policy-referencing form, with a rule's name as the category of a violation.
    """
    writer = _Writer(policy, strict)
    examples, made = writer.examples()
    sections = [
        f"# {policy_title(policy)}",
        "## INSTRUCTIONS\n\n" + "\n".join(writer.instructions()),
        "## DEFINITIONS\n\n" + "\n".join(writer.definitions()),
        "## VIOLATES (1)\n\n" + ("\n".join(writer.criteria(wanted=True)) or "- Nothing."),
        "## SAFE (0)\n\n" + "\n".join(writer.criteria(wanted=False)),
        "## OUTPUT\n\n" + _FORMAT,
        "## EXAMPLES\n\n" + ("\n\n".join(examples) or "None."),
    ]
    prompt = "\n\n".join(sections) + "\n"
    lost = [
        "pictures: the model reads text only, so what the picture shows must be written into the content, as in the "
        "examples",
        f"five verdicts become two labels: `{strict}` and stricter is 1, the rest 0",
        *lost_by_prose(policy),
        "what the model should think and say, and the criteria of right responses",
    ]
    tokens = round(len(prompt.split()) * 4 / 3)
    if tokens > BEST_TOKENS:
        limit = f"more than the {MOST_TOKENS:,} that it reads" if tokens > MOST_TOKENS else "which it reads"
        lost.append(f"the prompt has about {tokens:,} tokens, {limit}; the guide finds {BEST_TOKENS} to be the best")
    if made:
        lost.append(
            f"the last {made} examples are the solver's, not the authors': the policy has fewer than the guide's 4"
        )
    if len(examples) < FEWEST_EXAMPLES:
        lost.append(
            f"the prompt has {len(examples) or 'no'} example{'s' * (len(examples) != 1)}, the guide asks for 4 to 6"
        )
    comment = "\n".join(
        [f"<!-- From {origin(policy)}. Not carried over:", *(f"- {_in_comment(s)}" for s in lost), "-->"]
    )
    return Exported(f"{neutralise(prompt, Tags())}\n{comment}\n", tuple(lost))


_FORMAT = """Return one JSON object and nothing else.
If the content violates this policy: {"violation": 1, "policy_category": "<name of the deciding rule>"}
If it does not: {"violation": 0, "policy_category": null}"""


def _in_comment(text: str) -> str:
    return text.replace("--", "- -").replace(">", "›")


class _Writer:
    def __init__(self, policy: CompiledPolicy, strict: Verdict) -> None:
        self._policy = policy
        self._strict = strict
        self._english = English(policy)
        self._below = exceptions(policy)
        self._told: set[str] = set()

    def _violates(self, verdict: Verdict) -> bool:
        return violates(verdict, self._strict)

    def instructions(self) -> Iterator[str]:
        label = int(self._violates(self._policy.unsure))
        yield "Classify the content, a request to a vision-language model, by this policy and by nothing else."
        yield _FORMAT
        yield "Precedence:"
        yield "- An exception that applies replaces the rule that it stands below."
        yield f"- Of the rules that then apply, the strictest holds: {', '.join(reversed(list(Verdict)))}."
        yield f"- If no rule applies: {self._policy.default} ({int(self._violates(self._policy.default))})."
        yield (
            "- Escalation: if the label turns on something that the content does not tell, return "
            f'{{"violation": {label}, "policy_category": "unsure"}}: a person decides.'
        )

    def definitions(self) -> Iterator[str]:
        for fact in self._policy.facts:
            value = supposed(fact)
            missing = "" if value is None else f" Where it is not told, take it to be: {known_value(fact, value)}."
            yield f"- **{self._english.heading(fact)}**: {self._english.domain(fact)}.{missing}"

    def criteria(self, *, wanted: bool) -> Iterator[str]:
        """The rules whose label is the wanted one, each with the exceptions to it, whatever their labels."""
        for rule in self._policy.rules:
            if not rule.exception_to and self._violates(rule.verdict) is wanted:
                yield from self._rule(rule)
        if not wanted:
            if not self._violates(self._policy.default):
                yield "- Every request that no rule applies to."
            for rule in self._policy.rules:
                if rule.exception_to and not self._violates(rule.verdict):
                    parents = [p for p in rule.exception_to if self._violates(self._policy.rule_index[p].verdict)]
                    if parents:
                        yield f"- What the exception `{rule.name}` above takes out of `{parents[0]}`."
        elif self._violates(self._policy.default):
            yield '- Every request that no rule applies to ("policy_category": "default").'

    def _rule(self, rule: Rule) -> Iterator[str]:
        yield self._line(rule, 0)
        for depth, exception, told in under(rule, self._below):
            if told or exception.name in self._told:
                yield f"{'  ' * depth}- Except {capitalised(title(exception))} (`{exception.name}`, as above)."
            else:
                yield self._line(exception, depth)

    def _line(self, rule: Rule, depth: int) -> str:
        self._told.add(rule.name)
        return (
            f"{'  ' * depth}- {'Except ' if depth else ''}{capitalised(title(rule))} (`{rule.name}`, {rule.verdict}, "
            f"{int(self._violates(rule.verdict))}): where {own(self._english, rule)}, the model {DOES[rule.verdict]}."
        )

    def examples(self) -> tuple[list[str], int]:
        """Up to six of the policy's own, as many of either label as there are, in the policy's order; where these are
        fewer than four, cases that a rule decides and their nearest laxer ones. And how many of the latter there are.
        """
        sound = sound_examples(self._policy)
        chosen: list[str] = []
        for label in (True, False):
            chosen += [e.name for e, verdict in sound if self._violates(verdict) is label][: MOST_EXAMPLES // 2]
        chosen += [e.name for e, _ in sound if e.name not in chosen][: MOST_EXAMPLES - len(chosen)]
        cases = [read_case(self._policy, {"facts": e.given}) for e, _ in sound if e.name in chosen]
        made: list[Case] = []
        if len(cases) < FEWEST_EXAMPLES:
            fresh = (case for case in self._boundary() if case not in cases)
            made = list(islice(fresh, FEWEST_EXAMPLES - len(cases)))
        interpreter = Interpreter(self._policy)
        return [self._example(case, interpreter.decide(case)) for case in (*cases, *made)], len(made)

    def _boundary(self) -> Iterator[Case]:
        """Cases that one of the first strict rules decides, each with its nearest laxer one."""
        from safecot_dsl.analysis.cases import UndecidedError, contrast, find_case

        strict = [rule for rule in self._policy.rules if self._violates(rule.verdict)]
        for rule in strict[:MOST_EXAMPLES]:
            with suppress(UndecidedError):  # one example less
                case = find_case(self._policy, deciding=rule.name, seconds=_SECONDS)
                if case is not None:
                    yield case
                    laxer = contrast(self._policy, case, seconds=_SECONDS)
                    if laxer is not None:
                        yield laxer

    def _example(self, case: Case, decision: Decision) -> str:
        violation = self._violates(decision.verdict)
        category = (decision.deciding or (decision.speaker,))[0] if violation else None
        if not decision.certain:
            category = "unsure"
        answer = json.dumps({"violation": int(violation), "policy_category": category})
        told = "; ".join(self._english.case(case)) or "nothing is known"
        return f"Content: [{capitalised(told)}]\nAnswer: {answer}"
