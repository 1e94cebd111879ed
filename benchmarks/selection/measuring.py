"""The pools, and what is measured on them."""

from __future__ import annotations

import resource
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

from safecot_dsl.artifact import Case, CompiledPolicy, Decision, Verdict
from safecot_dsl.dataset.candidates import Stratum
from safecot_dsl.dataset.selection import Fingerprint, SelectionPlan, differing_facts, near_duplicates, select
from safecot_dsl.dataset.selection.plan import Kind
from safecot_dsl.engine.columnar import ColumnarPolicy
from safecot_dsl.workspace import compile_policy

KINDS: tuple[Kind, ...] = ("random", "stratified", "contrast", "coverage")
RULES = 40
CASES = 10_000
STARTS = 20
WORDS = "please tell me how to store clean mix pour bleach vinegar in my kitchen garden today safely at once".split()


@dataclass(frozen=True, slots=True, eq=False)
class Request:
    """A request as the light index holds it."""

    key: str
    case: Case
    decision: Decision
    stratum: Stratum

    @property
    def refused(self) -> bool:
        return self.decision.verdict is Verdict.REFUSE


def measure(kind: str, size: int, rows: int) -> dict[str, Any]:
    """Seconds for each kind of selection, how many rows stand in pairs, and the peak of memory in MiB."""
    policy = policy_of()
    pool = pool_of(policy, kind, size)
    found: dict[str, Any] = {}
    for wanted in KINDS:
        plan = SelectionPlan(wanted, rows)
        seconds, selection = timed(lambda: select(pool, policy, plan, seed=1))  # noqa: B023
        found[wanted] = seconds
        found[f"{wanted} rows"] = len(selection.chosen)
    found["peak_mib"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    starts = [request for request in pool[: 10 * STARTS] if request.refused][:STARTS]
    others = list(dict.fromkeys(request.case for request in pool if not request.refused))
    seconds, _ = timed(lambda: [min(len(differing_facts(s.case, other)) for other in others) for s in starts])
    found["all with all"] = round(seconds / len(starts) * rows / 2, 1)
    return found


def twins(size: int) -> dict[str, float]:
    """Seconds to find the near duplicates of `size` requests, of which fifty have one."""
    random = Random(2)
    texts = [Fingerprint(f"t{n}", "", (), " ".join(random.choices(WORDS, k=12))) for n in range(size - 50)]
    texts += [Fingerprint(f"u{n}", "", (), f"{texts[n].text}!") for n in range(50)]
    pictures = [Fingerprint(f"t{n}", "", (random.getrandbits(64),), "The same.") for n in range(size - 50)]
    pictures += [Fingerprint(f"u{n}", "", (pictures[n].images[0] ^ 0b1001,), "The same.") for n in range(50)]
    found: dict[str, float] = {}
    for name, requests in (("sentences", texts), ("pictures", pictures)):
        found[name], left_out = timed(lambda: near_duplicates(requests, seed=1))  # noqa: B023
        found[f"{name} left out"] = len(left_out)
    return found


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    start = time.process_time()
    result = work()
    return round(time.process_time() - start, 2), result


def policy_of() -> CompiledPolicy:
    """Forty rules of four literals each, a third of them laxer than a refusal."""
    names = " ".join(f'object{n} "object {n}",' for n in range(30))
    facts = "\n".join(
        f'  f{n} : one of {{ v0 "a", v1 "b", v2 "c", v3 "d" }}  "Fact {n}"  ask "what fact {n} is"' for n in range(10)
    )
    rules = "\n".join(
        f"rule rule{n} {{ when query.f{n % 10} is v{n // 10} and query.act is a{n % 3} "
        f"and image.objects has any of {{ object{n % 30}, object{(n + 7) % 30} }} unless context.night "
        f"verdict {'refuse' if n % 3 else 'redirect'} }}"
        for n in range(RULES)
    )
    text = f"""policy p {{ version "1" }}
facts image {{ objects : set of {{ {names} }}  "Objects"  ask "what it shows" }}
facts query {{
{facts}
  act : one of {{ a0 "a", a1 "b", a2 "c" }}  "Act"  ask "what to do"
}}
facts context {{ night : flag  "Night" }}
{rules}
default comply
unsure clarify
"""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "p.safecot"
        path.write_text(text)
        return compile_policy(path)


def pool_of(policy: CompiledPolicy, kind: str, size: int) -> list[Request]:
    random = Random(1)
    cases = [_case(random) for _ in range(size if kind == "distinct" else CASES)]
    decisions = ColumnarPolicy(policy).decide_cases(cases)
    made = [
        (case, decision, Stratum(decision.verdict, decision.speaker))
        for case, decision in zip(cases, decisions, strict=True)
    ]
    return [Request(f"s/{number}", *made[number % len(made)]) for number in range(size)]


def _case(random: Random) -> Case:
    known: dict[str, Any] = {f"query.f{number}": f"v{random.randrange(4)}" for number in range(10)}
    known["image.objects"] = frozenset(random.sample([f"object{n}" for n in range(30)], random.randrange(4)))
    known["query.act"] = f"a{random.randrange(3)}"
    known["context.night"] = random.random() < 0.5
    return Case(known)
