"""What a reasoning may not say in words of its own: another verdict, and what the policy says of another case."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator

from safecot_dsl.artifact import CompiledPolicy, StepKind, Template, Text, Verdict
from safecot_dsl.criteria import fold, has_text, response_verdict
from safecot_dsl.dataset.writing.answering import refuses
from safecot_dsl.reading import KnownSentences
from safecot_dsl.render.english import within
from safecot_dsl.render.phrasing import title

_HELPS = re.compile(r"\bi (?:can|may|will|should)(?: (?!not\b)\w+)? (?:answer|do|help with) (?:this|that|it|so)\W*\Z")


class Decisions:
    """What the policy's authors say is decided, and why, to compare with."""

    def __init__(self, policy: CompiledPolicy) -> None:
        self._policy = policy
        self._decided: dict[str, set[Verdict]] = {}
        self._reasons: dict[str, str] = {}
        for verdict, phrases in policy.verdict_phrases.items():
            for text in phrases.decide:
                self._decided.setdefault(fold(text), set()).add(verdict)
        for rule in policy.rules:
            for step in rule.speech.think:
                for text in filter(None, map(_plain, step.alternatives)):
                    if step.kind is StepKind.DECIDE:
                        self._decided.setdefault(fold(text), set()).add(rule.verdict)
                    elif step.kind in (StepKind.RISK, StepKind.CONTRAST):
                        for sentence in KnownSentences(()).split(text):
                            self._reasons.setdefault(fold(sentence), within(title(rule)))

    def elsewhere(self, text: str) -> Iterator[str]:
        """What is wrong with a sentence in words of its own that is, word for word, an author's reason."""
        if (rule := self._reasons.get(fold(text))) is not None:
            yield f"says what the policy says of another case, on {rule}"

    def denied(self, text: str, verdict: Verdict, own: Collection[str]) -> Iterator[str]:
        """What is wrong with a sentence of `decide` where `verdict` is due and the policy says one of `own`.

        Three plain checks: it is not what the policy says of other verdicts alone; it neither refuses where help is
        due, nor says simply that this is answered where it is not; and the policy's criteria do not read it as an
        answer of another verdict, unless they read the policy's own words so, too. What they read as help may be
        anything that they have no words for, and proves nothing.
        """
        said = self._decided.get(fold(text), {verdict})
        if verdict not in said:
            others = " or ".join(f"`{other}`" for other in sorted(said))
            yield f"says what the policy says where it decides {others}, not `{verdict}`"
        elif refuses(text) if verdict.answers else _HELPS.search(fold(text)) is not None:
            yield f"its words do not lead to `{verdict}`"
        elif not (read := self._read(text)).answers and read is not verdict and read not in map(self._read, own):
            yield f"is read as `{read}`, and `{verdict}` is due"

    def _read(self, text: str) -> Verdict:
        read = response_verdict(self._policy, text) if has_text(text) else None
        return read if isinstance(read, Verdict) else Verdict.COMPLY


def _plain(template: Template) -> str | None:
    """A text without slots."""
    if not all(isinstance(segment, Text) for segment in template):
        return None
    return "".join(segment.text for segment in template if isinstance(segment, Text))
