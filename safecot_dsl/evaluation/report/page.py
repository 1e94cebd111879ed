"""`report.html`: one file that needs nothing but itself."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from importlib import resources
from pathlib import Path

from safecot_dsl.artifact import CompiledPolicy
from safecot_dsl.engine import Interpreter
from safecot_dsl.evaluation.curves import Curve
from safecot_dsl.evaluation.items import EvalItem
from safecot_dsl.evaluation.metrics import Runs, runs_of
from safecot_dsl.evaluation.report.arms import look
from safecot_dsl.evaluation.report.by_rule import by_rule
from safecot_dsl.evaluation.report.cases import show_examples
from safecot_dsl.evaluation.report.claims import hypothesis
from safecot_dsl.evaluation.report.comparisons import comparisons
from safecot_dsl.evaluation.report.examples import choose
from safecot_dsl.evaluation.report.faithfulness import TITLE, faithfulness
from safecot_dsl.evaluation.report.markup import Markup, join, tag
from safecot_dsl.evaluation.report.origins import provenance, show_limits
from safecot_dsl.evaluation.report.parts import changes, hazards, splits, suites
from safecot_dsl.evaluation.report.reasoning import judged, reasoning
from safecot_dsl.evaluation.report.results import results
from safecot_dsl.evaluation.report.rules import show_policy
from safecot_dsl.evaluation.report.training import training
from safecot_dsl.evaluation.report.verdicts import matrices
from safecot_dsl.evaluation.summary import EvaluationSummary
from safecot_dsl.render import ReasoningStyle


def write_report(
    path: Path,
    *,
    policy: CompiledPolicy,
    summary: EvaluationSummary,
    scored: Mapping[str, Runs],
    items: Sequence[EvalItem],
    command: str,
    created: str,
    curves: Mapping[str, Curve] | None = None,
    examples: Sequence[str] | int = 12,
    worst: int = 10,
    style: ReasoningStyle = ReasoningStyle.STEPWISE,
    limits: Sequence[str] = (),
) -> None:
    """Write the report, whole or not at all.

    `examples` are the ids of the cases to show, or how many to draw from the held-out splits without a look at the
    answers; `worst` is how many of each rule's worst cases to show, of the summary's subject. Of an arm with several
    runs the first is shown. `created` is the date as it is to be read, `command` what makes the report again, `limits`
    sentences of the experiment's own. Any arm and any curve may be missing. The page loads nothing: styles are inline
    and named by their hash in its content security policy, charts are SVG, images data URIs; there are no scripts.

    Raises:
        ValueError: the summary is of another policy, or an example is not among the items.
    """
    from safecot_dsl.storage import write_whole

    if summary.policy != policy.digest:
        raise ValueError(f"the summary is of the policy {summary.policy}, the report's is {policy.digest}")
    held_out = [item for item in items if item.split in summary.held_out]
    ids = choose(policy, held_out, examples) if isinstance(examples, int) else tuple(examples)
    by_id = {item.id: item for item in items}
    unknown = [key for key in ids if key not in by_id]
    if unknown:
        raise ValueError(f"no item `{unknown[0]}` to show as an example")
    arms = look(summary.arms, summary.subject)
    tuned = [arm for arm in arms if not arm.baseline] or list(arms)
    interpreter = Interpreter(policy)
    first = {arm: runs_of(runs)[0] for arm, runs in scored.items()}
    shown = [by_id[key] for key in ids]
    sections = [
        ("results", "Results", results(summary, arms)),
        ("hypothesis", "The hypothesis", hypothesis(summary)),
        ("comparisons", "Arm against arm", comparisons(summary, tuned)),
        ("verdicts", "Verdict by verdict", matrices(summary, tuned)),
        ("splits", "Split by split", splits(summary, tuned)),
        ("suites", "Suite by suite", suites(summary, tuned)),
        ("hazards", "Hazard by hazard", hazards(summary, tuned)),
        ("changes", "Attacks and other changes", changes(summary, tuned)),
        ("reasoning", "The reasoning", reasoning(summary, tuned)),
        ("faithfulness", TITLE, faithfulness(summary, tuned)),
        ("judge", "The judge", judged(summary)),
        ("rules-measured", "Rule by rule", by_rule(summary.rules, tuned, held_out, scored, worst)),
        ("training", "Training", training(curves or {}, summary.subject)),
        ("examples", "Examples", show_examples(interpreter, shown, first, tuned, style)),
        ("policy", "The policy", show_policy(policy)),
        ("provenance", "Where the answers come from", provenance(summary, arms)),
        ("limits", "Limits", show_limits(summary, limits)),
    ]
    page = _page(policy, summary, len(held_out), command, created, [s for s in sections if s[2] is not None])
    write_whole(path, page)


def _page(
    policy: CompiledPolicy,
    summary: EvaluationSummary,
    asked: int,
    command: str,
    created: str,
    sections: Sequence[tuple[str, str, Markup | None]],
) -> str:
    css = resources.files("safecot_dsl.evaluation.report").joinpath("style.css").read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(css.encode()).digest()).decode()
    security = f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; base-uri 'none'; form-action 'none'"
    title = policy.header.title or policy.header.name
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=security),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("meta", name="referrer", content="no-referrer"),
        tag("title", f"{title}: evaluation"),
        tag("style", Markup(css)),
    )
    facts = [
        ("Policy", join([tag("code", policy.header.name), f" version {policy.header.version}"]), None),
        ("Made", created, None),
        ("Held-out items", f"{asked} in {', '.join(summary.held_out)}", None),
        ("Digest of the policy’s meaning", tag("code", summary.policy, cls="wrap"), "wide"),
        ("Command", tag("code", command, cls="wrap"), "wide"),
    ]
    header = tag(
        "header",
        tag("p", "SafeCoT evaluation", cls="eyebrow"),
        tag("h1", title),
        tag("p", policy.header.description, cls="lede") if policy.header.description else None,
        tag("dl", (tag("div", tag("dt", name), tag("dd", value), cls=cls) for name, value, cls in facts), cls="facts"),
        tag("nav", (tag("a", name, href=f"#{key}") for key, name, _ in sections), aria_label="Sections"),
    )
    body = [tag("section", tag("h2", name), content, id=key) for key, name, content in sections]
    return "<!doctype html>\n" + tag("html", head, tag("body", header, tag("main", body)), lang="en") + "\n"
