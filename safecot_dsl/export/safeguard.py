"""A policy prompt for gpt-oss-safeguard, which goes into its system message.

The structure is that of the model's user guide: instructions, definitions, criteria both ways, examples near the
boundary, and the format of the output told twice (OpenAI cookbook, articles/gpt-oss-safeguard-guide.md).
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from safecot_dsl.artifact import CompiledPolicy, Verdict
from safecot_dsl.export.brevity import defined, unbracketed
from safecot_dsl.export.criterion import Criterion, criteria, without
from safecot_dsl.export.requests import ExampleRequest, requests
from safecot_dsl.export.target import Exported, lost_by_telling, policy_title, tokens, violates
from safecot_dsl.export.told import ToldConditions, conjoined
from safecot_dsl.render import Tags, neutralise
from safecot_dsl.render.english import capitalised, listed
from safecot_dsl.render.phrasing import title

#: The guide finds prompts of so many tokens to be the best, and speaks of reasonable output up to the last number.
BEST_TOKENS, MOST_TOKENS = (400, 600), 10_000

#: The guide asks for four to six examples.
FEWEST_EXAMPLES, MOST_EXAMPLES = 4, 6


def export_safeguard(policy: CompiledPolicy, strict: Verdict) -> Exported:
    """The prompt; a request violates where its verdict is `strict` or stricter.

    The answer is an object `{"violation": 0}` or `{"violation": 1, "policy_category": RULE|"default"|"unsure"}`: the
    guide's policy-referencing form, with a rule's name as the category of a violation. Where the prompt is longer than
    the guide's best range, rules that only say what is safe anyway are left out, and then examples down to four; then
    it is told in brief, with the shortest examples.
    """
    told = ToldConditions(policy)
    found, cut = criteria(policy, strict)
    examples = requests(policy, told, strict, MOST_EXAMPLES, FEWEST_EXAMPLES)
    # What is safe because no rule is about it needs no rule that says so, but where everything else violates.
    spare = [each for each in found if not each.violates and not each.changes and not violates(policy.default, strict)]
    dropped: list[Criterion] = []
    writer = _SafeguardWriter(policy, strict, told)
    prompt = writer.prompt(found, examples)
    strict_on: list[str] = []
    if tokens(prompt) > BEST_TOKENS[1]:
        writer = _SafeguardWriter(policy, strict, told, headed=True)
        prompt = writer.prompt(found, examples)
    while tokens(prompt) > BEST_TOKENS[1] and (spare or len(examples) > FEWEST_EXAMPLES):
        if spare:
            dropped.append(spare.pop())
        else:
            longest = max(examples, key=lambda each: (_many(examples, each), len(each.text)))
            examples = [each for each in examples if each is not longest]
        prompt = writer.prompt([each for each in found if each not in dropped], examples)
    if tokens(prompt) > BEST_TOKENS[1]:
        told = ToldConditions(policy, brief=True)
        writer = _SafeguardWriter(policy, strict, told, titled=False, headed=True)
        kept = [each for each in found if each not in dropped]
        prompt = writer.prompt(kept, examples)
        if tokens(prompt) > BEST_TOKENS[1]:
            examples = requests(policy, told, strict, FEWEST_EXAMPLES, FEWEST_EXAMPLES, shortest=True)
            prompt = writer.prompt(kept, examples)
        # Exceptions to exceptions are the rarest; only where that is enough, and no example is decided by one.
        shorter, left_out = prompt, list[str]()
        rare = _rare(kept) - {name for each in examples for name in each.decision.deciding}
        for name in sorted(rare, key=lambda name: (-tokens(told.own(policy.rule_index[name])), name)):
            if tokens(shorter) > BEST_TOKENS[1]:
                left_out.append(name)
                shorter = writer.prompt(without(kept, left_out), examples)
        if tokens(shorter) <= BEST_TOKENS[1]:
            prompt, strict_on = shorter, left_out
    lost = [
        "pictures: the model reads text only, so what the picture shows must be written into the content, in square "
        "brackets before the request as in the examples",
        f"five verdicts become two labels: `{strict}` and stricter is 1, the rest 0; exceptions that change no label "
        "are left out",
        *lost_by_telling(policy, told, cut),
        *([] if violates(policy.unsure, strict) else [f"`unsure {policy.unsure}`: its label is that of what is safe"]),
        "what the model should think and say, and the criteria of right responses",
    ]
    if dropped:
        names = listed([f"`{each.rule.name}`" for each in dropped])
        lost.append(f"rules of what is answered, left out for brevity: {names}")
    if strict_on:
        names = listed([f"`{name}`" for name in strict_on])
        lost.append(f"exceptions left out for brevity, so that what they let through counts as a violation: {names}")
    count = tokens(prompt)
    if count > BEST_TOKENS[1]:
        limit = f"more than the {MOST_TOKENS:,} that it reads" if count > MOST_TOKENS else "which it reads"
        low, high = BEST_TOKENS
        lost.append(f"the prompt has about {count:,} tokens, {limit}; the guide finds {low} to {high} to be the best")
    made = sum(each.made for each in examples)
    if made:
        lost.append(
            f"{made} of the examples {'is' if made == 1 else 'are'} the solver's, not the authors': the policy has too "
            "few that people would write"
        )
    if len(examples) < FEWEST_EXAMPLES:
        lost.append(
            f"the prompt has {len(examples) or 'no'} example{'s' * (len(examples) != 1)}, the guide asks for 4 to 6"
        )
    return Exported(neutralise(prompt, Tags()), tuple(lost))


def _rare(found: Sequence[Criterion]) -> set[str]:
    """The exceptions to exceptions that take a violation back, and that nothing is an exception to."""
    walked = [(depth, each) for root in found for depth, each in root.walk()]
    return {each.rule.name for depth, each in walked if depth > 1 and not each.violates and not each.changes}


def _many(examples: Sequence[ExampleRequest], one: ExampleRequest) -> int:
    """How many of the examples have the label of one of them."""
    return sum(each.violates is one.violates for each in examples)


class _SafeguardWriter:
    def __init__(
        self,
        policy: CompiledPolicy,
        strict: Verdict,
        told: ToldConditions,
        *,
        titled: bool = True,
        headed: bool = False,
    ) -> None:
        self._policy = policy
        self._strict = strict
        self._told = told
        self._titled = titled
        self._headed = headed

    def prompt(self, found: Sequence[Criterion], examples: Sequence[ExampleRequest]) -> str:
        violating = "\n".join(self.criteria(found, wanted=True)) or "Nothing."
        safe = "\n".join(self.criteria(found, wanted=False)) or "Nothing."
        sections = [
            f"# {policy_title(self._policy)}",
            "## INSTRUCTIONS\n\n" + "\n".join(self.instructions()),
            "## DEFINITIONS\n\n" + "\n".join(self.definitions(violating + safe)),
            f"## VIOLATES (1)\n\n{violating}",
            f"## SAFE (0)\n\n{safe}",
            "## EXAMPLES\n\n" + ("\n\n".join(map(_example, examples)) or "None."),
            f"## OUTPUT\n\n{self.output()}",
        ]
        return "\n\n".join(sections) + "\n"

    def instructions(self) -> Iterator[str]:
        yield (
            "Does the request violate this policy? Judge by it alone: what is not told is not so, one violation is "
            "enough, and an indented line overrules the one above. Answer with a JSON object as under OUTPUT."
        )

    def output(self) -> str:
        answers = [
            '{"violation": 1, "policy_category": "<the rule\'s name>"}',
            '{"violation": 0}',
        ]
        if violates(self._policy.unsure, self._strict):
            answers.append('{"violation": 1, "policy_category": "unsure"} where it depends on what is not told')
        return ",\n".join(answers[:-1]) + f"\nor {answers[-1]}."

    def definitions(self, criteria: str) -> Iterator[str]:
        """What words of the policy mean, groups as far as the criteria speak of them."""
        groups = {phrase: members for phrase, members in self._told.groups.items() if phrase in criteria}
        if groups and not self._titled:
            pass  # in brief the criteria alone say what a violation is
        elif self._strict in (Verdict.REDIRECT, Verdict.REFUSE):
            part = "" if self._strict is Verdict.REFUSE else ", wholly or in part"
            yield f"- Violation: what must be declined{part}."
        else:
            yield "- Violation: what must not simply be answered."
        for phrase, members in (groups if self._titled else defined(groups)).items():
            yield f"- {capitalised(phrase)}: {listed(members, 'or')}."

    def criteria(self, found: Sequence[Criterion], *, wanted: bool) -> Iterator[str]:
        """The rules whose label is the wanted one, each with the exceptions to it, whatever their labels. What several
        of them ask for, or none of them may be, is said once above them."""
        roots = [each for each in found if each.violates is wanted]
        parts = {each.rule.name: self._told.parts(each.rule) for each in roots}
        rest, groups = grouped(parts) if self._headed else (list(parts), {})
        chosen = {each.rule.name: each for each in roots}
        yield from self._outline([(chosen[name], *parts[name]) for name in rest])
        if violates(self._policy.default, self._strict) is wanted:
            yield "- `default`: every other request." if wanted else "- Every other request."
        for (so, shared), names in groups.items():
            yield f"\n{'If' if so else 'Unless'} {unbracketed(shared)}:\n"
            yield from self._outline([(chosen[name], *_without(parts[name], shared)) for name in names])

    def _outline(self, found: Sequence[tuple[Criterion, list[str], list[str]]]) -> Iterator[str]:
        """The rules with their exceptions; those that violate, have none and begin alike are one line in brief."""
        alone = (
            {}
            if self._titled
            else {
                each.rule.name: lines[0]
                for each, lines, barred in found
                if each.violates and not each.changes and len(lines) == 1 and not barred
            }
        )
        begun, alike = beginning(alone)
        for each, lines, barred in found:
            if each.rule.name not in alike:
                yield from self._lines(each, lines, barred)
        if alike:
            yield f"- {capitalised(begun)} {listed([f'{rest} (`{name}`)' for name, rest in alike.items()], 'or')}."

    def _lines(self, root: Criterion, lines: Sequence[str], barred: Sequence[str]) -> Iterator[str]:
        told: set[str] = set()
        several = Counter(each.rule.name for _, each in root.walk())
        above: list[bool] = []
        for depth, each in root.walk():
            rule, name = each.rule, capitalised(title(each.rule))
            condition = self._told.own(rule) if depth else conjoined(lines, barred)
            if not self._titled:
                condition = condition.removeprefix("the user ")
            del above[depth:]
            still = "Still " if depth and above[-1] is each.violates else ""
            above.append(each.violates)
            if depth == 0 and each.violates:
                head = f"`{rule.name}`" + f" {name}" * self._titled
            elif depth == 0:
                head = name
            else:
                head = capitalised(f"{still}{'violates' if each.violates else 'safe'}")
                head += f", `{rule.name}`" * each.violates + f" ({name})" * (several[rule.name] > 1)
            yield f"{'  ' * depth}- {head}{' as above' if rule.name in told else f': {condition}'}."
            told.add(rule.name)


def grouped(parts: Mapping[str, tuple[list[str], list[str]]]) -> tuple[list[str], dict[tuple[bool, str], list[str]]]:
    """The rules by a sentence that several have in common (all need it, or none may be so), longest savings first; and
    those that have none."""
    left = dict(parts)
    groups: dict[tuple[bool, str], list[str]] = {}
    while True:
        found: dict[tuple[bool, str], list[str]] = {}
        for name, (lines, barred) in left.items():
            for key in [*((True, text) for text in lines), *((False, text) for text in barred)]:
                if len(lines) + len(barred) > 1 or not key[0]:
                    found.setdefault(key, []).append(name)
        best = max(found, key=lambda key: (len(found[key]) - 1) * len(key[1]), default=None)
        if best is None or len(found[best]) < 2:
            return list(left), groups
        groups[best] = found[best]
        left = {name: texts for name, texts in left.items() if name not in groups[best]}


def beginning(texts: Mapping[str, str]) -> tuple[str, dict[str, str]]:
    """What the most of some sentences begin with alike, three words and more, and how these go on by their names, if
    they are three or more: a list of them is shorter than a line each."""
    found: dict[str, dict[str, str]] = {}
    for name, text in texts.items():
        split = text.split(" ")
        if not any(sign in text for sign in (",", "(", '"', " or ")):  # a list cannot have these in its members
            for end in range(3, len(split)):
                found.setdefault(" ".join(split[:end]), {})[name] = " ".join(split[end:])
    best = max(found, key=lambda begun: ((len(found[begun]) - 1) * len(begun), len(begun)), default="")
    return (best, found[best]) if best and len(found[best]) > 2 else ("", {})


def _without(parts: tuple[list[str], list[str]], text: str) -> tuple[list[str], list[str]]:
    """The same sentences but this one."""
    holding, barring = parts
    return [each for each in holding if each != text], [each for each in barring if each != text]


def _example(asked: ExampleRequest) -> str:
    answer = {"violation": 1, "policy_category": asked.category} if asked.violates else {"violation": 0}
    return f"Content: {asked.text}\nAnswer: {json.dumps(answer, ensure_ascii=False)}"
