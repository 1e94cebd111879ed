"""Generated policies: drawn one after another, and kept where they compile, pass `check` and differ from the rest."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from random import Random

from safecot_dsl.artifact import Case, CompiledPolicy
from safecot_dsl.dataset.errors import GenerateError
from safecot_dsl.dataset.policies.changes import KINDS, Parent, PolicyKind, PolicyVariant, varied
from safecot_dsl.dataset.policies.text import read_text
from safecot_dsl.dataset.policies.vocabulary import read_vocabulary
from safecot_dsl.dataset.writing.flips import carried
from safecot_dsl.diagnostics import Code, Severity
from safecot_dsl.storage import Progress, sha256_bytes, write_whole
from safecot_dsl.workspace import check_policy, open_policy, open_text

#: Findings of `check` that a generated policy must not have, besides errors: a part of it that does nothing.
_IDLE = frozenset(
    {
        Code.NEVER_APPLIES,
        Code.NEVER_DECIDES,
        Code.DISJOINT_EXCEPTION,
        Code.IDLE_UNLESS,
        Code.STRICTER_EXCEPTION,
        Code.NEVER_SAID,
        Code.UNDECIDED,
    }
)
#: Drafts of one kind that are tried for one policy, before another kind is.
_TRIES = 12
#: Cases on which policies are told apart, and in how many of them any two must decide otherwise.
_CASES, _APART = 1_500, 2

#: Why a variant was not kept.
FAULTY, IDLE, ALIKE = "check finds an error", "a part of it does nothing", "it decides as another one does"


@dataclass(frozen=True)
class GeneratedPolicy:
    """A generated policy: `kind` is what it is, `of` the policy that it is a change of (for `rules` the one whose facts
    it is about), and `change` how it differs from that in words. `text` is its file, `source` the digest of that, and
    `number` its place among those that are made of one policy and seed, from 0."""

    number: int
    name: str
    kind: PolicyKind
    of: str
    change: str
    text: str
    policy: CompiledPolicy = field(repr=False)

    @property
    def source(self) -> str:
        return sha256_bytes(self.text.encode())


class PolicyGenerator:
    """Makes policies of one policy, one after another: each from the policy itself or from one that was made before.

    The sequence is a function of the policy and the seed; which policies come first does not depend on how many are
    asked for, so those after the first N are policies that whoever was trained on these N has never seen. `left_out`
    counts the drafts that were not kept, by why. With `folder` what was made is kept there, and is not made again.
    """

    def __init__(
        self, file: Path, policy: CompiledPolicy, *, seed: int, kinds: Sequence[PolicyKind] = KINDS, folder: Path | None
    ) -> None:
        """`file` is the policy's source, and `policy` what it was compiled to.

        Raises:
            GenerateError: no policies can be made of this one.
        """
        if not policy.default.answers:
            raise GenerateError(
                f"`default {policy.default}`: policies are generated of a policy that answers unless a rule says "
                "otherwise"
            )
        opened = open_policy(file)
        text = read_text(opened, policy)
        self._file = file
        self._own = policy
        self._seed = seed
        self._kinds = tuple(kinds)
        self._folder = folder
        self._vocabulary = read_vocabulary(policy, text)
        self._parents = [Parent(policy.header.name, text, policy, self._vocabulary, authored=True)]
        self._decided: dict[str, tuple[str, ...]] = {policy.header.name: self._verdicts(policy)}
        self.made: list[GeneratedPolicy] = []
        self.left_out: Counter[str] = Counter()
        self._told: Counter[str] = Counter()
        self._closed = False

    def take(self, count: int, progress: Progress | None = None) -> tuple[GeneratedPolicy, ...]:
        """The first `count` policies.

        Raises:
            GenerateError: there are not so many that differ.
        """
        if progress is not None and len(self.made) < count:
            progress.start("generating policies", count, completed=len(self.made), unit="policies")
        while len(self.made) < count:
            self._next()
            if progress is not None:
                progress.advance()
        return tuple(self.made[:count])

    def resume(self, made: Sequence[GeneratedPolicy]) -> None:
        """Take these as the first policies of the sequence: they were made before, and are kept with a data set."""
        for one in made:
            self._add(one)

    def go_on(self, kinds: Sequence[PolicyKind], *, avoiding: Sequence[CompiledPolicy] = ()) -> None:
        """From here on make policies of these kinds, none of which decides as one of `avoiding`. What is made so
        belongs to no sequence, is not kept, and nothing is made of it: it changes the policy itself, or one that was
        made before."""
        self._kinds = tuple(kinds)
        self._folder = None
        self._closed = True
        for policy in avoiding:
            self._decided[policy.digest] = self._verdicts(policy)

    def parent(self, made: GeneratedPolicy) -> CompiledPolicy:
        """The policy that one is a change of."""
        return next(parent.compiled for parent in self._parents if parent.name == made.of)

    def _next(self) -> None:
        number = len(self.made)
        name = f"{self._own.header.name}_{number + 1:04d}"
        kept = self._kept(number, name)
        if kept is None:
            kept = self._new(number, name)
            if self._folder is not None:
                write_whole(self._folder / f"{number:06d}.json", json.dumps(self._record(kept)) + "\n")
        self._add(kept)

    def _add(self, made: GeneratedPolicy) -> None:
        self.made.append(made)
        if made.name not in self._decided:
            self._decided[made.name] = self._verdicts(made.policy)
        if made.kind == "rules" and not self._closed:
            opened = open_text(made.text, self._file.parent / f"{made.name}.safecot")
            text = read_text(opened, made.policy)
            self._parents.append(Parent(made.name, text, made.policy, self._vocabulary))

    def _new(self, number: int, name: str) -> GeneratedPolicy:
        turn = number % len(self._kinds)
        for kind in (*self._kinds[turn:], *self._kinds[:turn]):
            for attempt in range(_TRIES):
                random = Random(f"{self._seed} policy {self._own.digest} {number} {kind} {attempt}")
                parent = self._parents[0] if kind == "rules" else random.choice(self._parents)
                drawn = varied(kind, parent, random)
                if drawn is None:
                    continue
                made = self._judged(drawn, kind, parent, number, name)
                if isinstance(made, GeneratedPolicy):
                    return made
                self.left_out[made] += 1
        why = "; ".join(f"{count} where {reason}" for reason, count in self.left_out.most_common())
        raise GenerateError(
            f"of `{self._own.header.name}` {number} policies can be generated and no more: ask for fewer"
            + (f" (drafts left out: {why})" if why else "")
        )

    def _judged(
        self, drawn: PolicyVariant, kind: PolicyKind, parent: Parent, number: int, name: str
    ) -> GeneratedPolicy | str:
        """The policy of a variant, or why it is none."""
        text = drawn.text.written(name, f"Generated: {drawn.change}.")
        opened = open_text(text, self._file.parent / f"{name}.safecot")
        if opened.policy is None:
            return FAULTY
        verdicts = self._verdicts(opened.policy)
        for other in self._decided.values():
            if sum(map(str.__ne__, verdicts, other)) < _APART:
                return ALIKE
        found = check_policy(opened)
        if any(diagnostic.severity is Severity.ERROR for diagnostic in found):
            return FAULTY
        if any(diagnostic.code in _IDLE for diagnostic in found):
            return IDLE
        self._decided[name] = verdicts
        return GeneratedPolicy(number, name, kind, parent.name, drawn.change, text, opened.policy)

    # -- what was made before --

    def _kept(self, number: int, name: str) -> GeneratedPolicy | None:
        """The policy as it was made before; None where it was not, or of another policy."""
        file = None if self._folder is None else self._folder / f"{number:06d}.json"
        if file is None or not file.is_file():
            return None
        record = json.loads(file.read_bytes())
        opened = open_text(record["text"], self._file.parent / f"{name}.safecot")
        if any(record.get(key) != value for key, value in self._made_from.items()) or opened.policy is None:
            return None
        self.left_out.update(record["left_out"])
        self._told = self.left_out.copy()
        return GeneratedPolicy(
            number, name, record["kind"], record["of"], record["change"], record["text"], opened.policy
        )

    @property
    def _made_from(self) -> dict[str, object]:
        """What the sequence is a function of."""
        sources = [file.sha256 for file in self._own.source_map.files]
        return {"of_policy": self._own.digest, "sources": sources, "seed": self._seed, "kinds": list(self._kinds)}

    def _record(self, made: GeneratedPolicy) -> dict[str, object]:
        now, self._told = self.left_out - self._told, self.left_out.copy()
        return {
            **self._made_from,
            "kind": made.kind,
            "of": made.of,
            "change": made.change,
            "left_out": dict(now),
            "text": made.text,
        }

    # -- telling policies apart --

    def _verdicts(self, policy: CompiledPolicy) -> tuple[str, ...]:
        """The verdict of each of the cases; the policy has all facts of the own one, or some of them."""
        from safecot_dsl.engine.columnar import ColumnarPolicy

        cases = self._cases
        if policy.fact_index.keys() != self._own.fact_index.keys():
            cases = tuple(carried(case, policy) for case in cases)
        columns = ColumnarPolicy(policy)
        return tuple(columns.decide(columns.frame(cases), columns=("verdict",))["verdict"].cast(str).to_list())

    @cached_property
    def _cases(self) -> tuple[Case, ...]:
        return tuple(_drawn_cases(self._own, self._parents[0], self._seed))


def _drawn_cases(policy: CompiledPolicy, own: Parent, seed: int) -> Iterator[Case]:
    """Complete cases in which groups meet: of a set, members of up to two groups and perhaps one more."""
    from safecot_dsl.analysis.draws import ValueDraws
    from safecot_dsl.analysis.space import Space

    random = Random(f"{seed} cases {policy.digest}")
    draws = ValueDraws(Space(policy))
    for _ in range(_CASES):
        case = draws.case(random)
        for fact in sorted({group.fact for group in own.vocabulary.groups}):
            groups = [group for group in own.vocabulary.groups if group.fact == fact]
            if random.random() < 0.7:
                chosen = random.sample(groups, min(len(groups), random.randint(1, 2)))
                members = {random.choice(sorted(group.values)) for group in chosen}
                others = case.known[fact]
                assert isinstance(others, frozenset)
                extra = sorted(others)[:1] if random.random() < 0.3 else []
                case = case.with_fact(fact, frozenset(members.union(extra)))
        yield case
