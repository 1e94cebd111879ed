"""The data-set card: what the rows are, where they came from, what was left out, and the command that makes them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from safecot_dsl.artifact import CompiledPolicy
from safecot_dsl.dataset.licences import licence_metadata
from safecot_dsl.dataset.recipe import DataRecipe
from safecot_dsl.dataset.report import DatasetReport
from safecot_dsl.dataset.reviews.telling import review_lines
from safecot_dsl.diagnostics.show import visible, visible_lines

#: What each reason for leaving a row out means. A reader's reasons come first.
REASONS = {
    "not_wanted": "the recipe's `where` does not select it",
    "image_absent": "the image it speaks of is not there",
    "image_not_an_image": "its image is not of an allowed format",
    "image_too_large": "its image has too many pixels",
    "image_broken": "its image is broken or truncated",
    "path_outside": "its image path leaves the source's folder",
    "malformed": "the source's record cannot be read",
    "not_annotated": "the verdict hangs on facts that nobody looked for",
    "cannot_be_asked": "the verdict hangs on a fact that cannot be told and has no `ask`",
    "unsure_not_wanted": "the verdict is uncertain, and the recipe does not train that",
    "no_prompt": "the request is empty",
    "no_answer": "the policy complies, and neither the source nor a model gives an answer",
    "answer_empty": "the policy complies, and the answer says nothing",
    "answer_declines": "the policy complies, and the answer declines",
    "answer_asks": "the policy complies, and the answer asks back",
    "answer_says_no_image": "the answer says that no image was given, and there is one",
    "answer_needs_image": "the policy complies, and the answer is about an image that is not there",
    "image_placeholder": "a text holds a placeholder that a processor would take for an image",
    "requirement_broken": "the answer breaks what a deciding rule requires",
    "answer_misread": "the policy's own words are read by its criteria as another verdict (`check`: SC1007)",
    "non_commercial": "its licence forbids commercial use, and the recipe wants none of these",
    "rejected_in_review": "a reviewer rejected it",
    "split": "its split is called something that no file can be named for",
    "near_duplicate": "another request with the same facts is nearly the same, and is kept",
    "duplicate": "the same request with the same images and facts is a row already",
}


def write_card(policy: CompiledPolicy, recipe: DataRecipe, report: DatasetReport, recipe_text: str) -> str:
    """The card as Markdown with the front matter that Hugging Face reads; the same arguments give the same text."""
    return "\n".join(
        (
            *_front_matter(report),
            f"# {report.name}",
            "",
            f"{report.rows} training rows for a vision-language model, made by the policy "
            f"`{policy.header.name}` {policy.header.version}"
            + (f" ({policy.header.title})." if policy.header.title else "."),
            f"Reasoning: `{recipe.style}`, `{recipe.order}`. Selection: `{recipe.selection}`. Seed: {report.seed}.",
            "",
            "Each row's verdict was decided by the policy from the facts in `facts`; every sentence names the rule and",
            "the line that it came from (`sentences`). Answers of complying rows come from the source"
            + (
                f", {report.answers_from_model} of them from the model before tuning."
                if report.answers_from_model
                else "."
            ),
            "",
            f"- policy digest: `{report.policy_digest}` (the compiled policy is `policy.json`)",
            "- `data/`: the rows, by split; `provenance/`: a record for each of them",
            *_kept_elsewhere(recipe),
            "",
            "## Rebuild",
            "",
            "```",
            visible(report.command),
            "```",
            "",
            "with this recipe (`recipe.yaml`; the paths of its sources are relative to where the original stands):",
            "",
            "```yaml",
            visible_lines(recipe_text.rstrip("\n")),
            "```",
            "",
            "## What the rows are",
            "",
            *_table(("verdict", "rows"), sorted(report.verdicts.items())),
            *_table(("source", "rows"), sorted(report.sources.items())),
            *_table(("licence", "rows"), sorted(report.licences.items())),
            *_policies(report),
            "## Rules",
            "",
            *_table(
                ("rule", "verdict", "exception to", "decides", "speaks", "nearest to a complying row"),
                (
                    (f"`{r.name}`", r.verdict, ", ".join(r.exception_to), r.deciding, r.speaking, r.nearest)
                    for r in report.rules
                ),
            ),
            *_table(
                ("verdict", "speaker", "nearest rule", "rows", "available"),
                ((s.verdict, f"`{s.speaker}`", s.nearest, s.rows, s.available) for s in report.strata),
            ),
            *_goals(report),
            *_ways(report),
            *_pairs(report),
            *_attacks(report),
            *_shortfall(report),
            *_annotated(report),
            *review_lines(report.reviews),
            *_preferences(report),
            "## Left out",
            "",
            f"The sources gave {report.items} items. {report.candidates} of them could have become rows, "
            f"and {report.not_selected} of these were not selected.",
            "",
            *_table(
                ("reason", "count", "meaning", "first"),
                (
                    (f"`{e.reason}`", e.count, REASONS.get(e.reason, ""), e.examples[0] if e.examples else "")
                    for e in report.left_out
                ),
            ),
            "## How the criteria read the answers",
            "",
            *_table(
                ("due", "read as", "rows"),
                (
                    (due, read, count)
                    for due, reads in sorted(report.read_as.items())
                    for read, count in sorted(reads.items())
                ),
            ),
            *(f"- {visible(note)}" for note in report.notes),
            "",
        )
    )


def _front_matter(report: DatasetReport) -> Iterable[str]:
    import yaml

    matter = {
        "pretty_name": report.name,
        **licence_metadata(report.licences),
        "task_categories": ["image-text-to-text"],
        "language": ["en"],
        "tags": ["safety", "refusal", "chain-of-thought", "vision-language"],
        "configs": [
            {
                "config_name": "default",
                "data_files": [{"split": split, "path": f"data/{split}-*.parquet"} for split in sorted(report.splits)],
            },
            *({"config_name": kind, "data_files": f"preferences/{kind}-*.parquet"} for kind in report.preferences),
            {"config_name": "provenance", "data_files": "provenance/*.parquet"},
        ],
    }
    return ("---", yaml.safe_dump(matter, sort_keys=False, allow_unicode=True).rstrip("\n"), "---", "")


def _kept_elsewhere(recipe: DataRecipe) -> Iterable[str]:
    if recipe.images == "reference":
        yield "- images are kept by reference: their paths start at `image_root` of `report.json`"
    yield from (f"- `exports/{format}/`: the rows for {format}" for format in recipe.exports)


def _policies(report: DatasetReport) -> Iterable[str]:
    if report.policies:
        yield "## Policies in the system turn"
        yield ""
        yield "Each row's system turn (`system`) holds the prompt of the policy that decided it (`policy`, a digest)."
        yield "The counts of rules below are of the rows of the recipe's own."
        yield ""
        yield from _table(
            ("policy", "version", "digest", "words of its prompt", "rows", "verdicts"),
            (
                (
                    f"`{p.name}`" + (f" ({p.policy})" if p.policy != p.name else ""),
                    p.version,
                    f"`{p.digest}`",
                    p.words,
                    p.rows,
                    ", ".join(f"{count} {verdict}" for verdict, count in p.verdicts.items()),
                )
                for p in report.policies
            ),
        )
    if report.generated is not None:
        yield "Policies that were generated of the recipe's own (`policies/NAME.safecot`), by kind:"
        yield ""
        yield from _table(
            ("kind", "policies", "rows"), ((kind.kind, kind.policies, kind.rows) for kind in report.generated.kinds)
        )
        yield from _table(
            ("policy", "kind", "made of", "how it differs", "left out", "short"),
            (
                (f"`{p.name}`", p.kind, f"`{p.of}`", p.change, _counted(p.left_out), _counted(p.short))
                for p in report.policies
                if p.kind
            ),
        )
        if report.generated.left_out:
            yield f"Drafts of policies that were not kept: {_counted(report.generated.left_out)}."
            yield ""


def _counted(counts: dict[str, int]) -> str:
    return ", ".join(f"{count} {what}" for what, count in counts.items())


def _annotated(report: DatasetReport) -> Iterable[str]:
    if report.annotated:
        yield "## Facts that no label gave"
        yield ""
        yield from _table(
            ("fact", "filled in by", "rows"),
            ((f"`{f}`", by, count) for f, found in report.annotated.items() for by, count in found.items()),
        )


def _preferences(report: DatasetReport) -> Iterable[str]:
    if report.preferences:
        yield "## Preference pairs"
        yield ""
        yield from _table(("the rejected text is", "pairs"), sorted(report.preferences.items()))


def _goals(report: DatasetReport) -> Iterable[str]:
    if report.goals:
        yield "What the selection got of what the pool has (`safecotc data select` says what to collect):"
        yield ""
        yield from _table(
            ("goal", "verdict", "wanted", "rows", "in pairs", "available"),
            ((f"{g.kind} `{g.name}`", g.verdict, g.wanted or "", g.rows, g.paired, g.available) for g in report.goals),
        )


def _ways(report: DatasetReport) -> Iterable[str]:
    if report.ways:
        yield "What each way out of each rule got. A pair shows a request that the rule decides, and one that got out."
        yield "Of the pairs, the source made the second request of as many as stand under *made*:"
        yield ""
        yield from _table(
            ("in the case", "wanted", "got", "of which made", "available"),
            (
                (
                    w.sentence,
                    w.wanted or "",
                    f"{w.got} {'rows' if w.kind == 'applies' else 'pairs'}",
                    w.made,
                    w.available,
                )
                for w in report.ways
            ),
        )
    lacking = [way for way in report.ways if way.lacking]
    if lacking:
        yield "The pool lacks, and the sources did not make:"
        yield ""
        yield from (f"- no case in which {_cell(way.sentence)}" for way in lacking)
        yield ""


def _attacks(report: DatasetReport) -> Iterable[str]:
    if report.attacks:
        yield "Rows that carry an attack, whose facts, verdict and reasoning are those of the request without it:"
        yield ""
        yield from _table(("kind", "rows"), sorted(report.attacks.items()))


def _pairs(report: DatasetReport) -> Iterable[str]:
    if report.pairs:
        yield "Contrast pairs by the number of facts in which the two requests differ:"
        yield ""
        yield from _table(("facts", "pairs"), sorted(report.pairs.items()))


def _shortfall(report: DatasetReport) -> Iterable[str]:
    if report.short:
        yield "What the pool could not cover:"
        yield ""
        yield from _table(("share", "rows short"), sorted(report.short.items()))
    silent = [f"`{rule.name}`" for rule in report.rules if not rule.deciding]
    if silent:
        yield f"No row is decided by {', '.join(silent)}."
        yield ""


def _table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> Iterable[str]:
    yield "| " + " | ".join(head) + " |"
    yield "|" + "---|" * len(head)
    for row in rows:
        yield "| " + " | ".join(_cell(value) for value in row) + " |"
    yield ""


def _cell(value: object) -> str:
    """A cell is one line, and what a source's text holds cannot end it or become markup."""
    text = visible(" ".join(str(value).split()))
    return text.replace("\\", "\\\\").replace("|", "\\|").replace("<", "&lt;")
