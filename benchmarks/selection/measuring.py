"""The pools, and what is measured on them."""

from __future__ import annotations

import resource
import time
from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Any

from safecot_dsl.artifact import Case, Decision, Verdict
from safecot_dsl.dataset.candidates import Stratum
from safecot_dsl.dataset.selection import Fingerprint, SelectionPlan, differing_facts, near_duplicates, select
from safecot_dsl.dataset.selection.plan import Kind

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
    pool = pool_of(kind, size)
    found: dict[str, Any] = {}
    for wanted in KINDS:
        plan = SelectionPlan(wanted, rows)
        seconds, selection = timed(lambda: select(pool, plan, seed=1))  # noqa: B023
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


def pool_of(kind: str, size: int) -> list[Request]:
    random = Random(1)
    rules = [f"rule{number}" for number in range(RULES)]
    decided = {rule: _decision(rule, Verdict.REFUSE if n % 3 else Verdict.REDIRECT) for n, rule in enumerate(rules)}
    default = _decision("default", Verdict.COMPLY)
    made: list[tuple[Case, Decision, Stratum]] = []
    for _ in range(size if kind == "distinct" else CASES):
        case = _case(random)
        rule = rules[int(RULES * random.random() ** 3)]
        decision = decided[rule] if random.random() < 0.3 else default
        nearest = rule if decision is default else ""
        made.append((case, decision, Stratum(decision.verdict, decision.speaker, nearest)))
    return [Request(f"s/{number}", *made[number % len(made)]) for number in range(size)]


def _case(random: Random) -> Case:
    known: dict[str, Any] = {f"query.f{number}": str(random.randrange(4)) for number in range(10)}
    known["image.objects"] = frozenset(random.sample([f"object{n}" for n in range(30)], random.randrange(4)))
    known["query.act"] = str(random.randrange(3))
    known["context.night"] = random.random() < 0.5
    return Case(known)


def _decision(speaker: str, verdict: Verdict) -> Decision:
    deciding = () if speaker == "default" else (speaker,)
    return Decision(
        verdict=verdict,
        lower=verdict,
        upper=verdict,
        certain=True,
        deciding=deciding,
        effective=deciding,
        undecided=(),
        unsettled=(),
        speaker=speaker,
        assumed={},
        policy="",
    )
