"""A difference for programs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from safecot_dsl.analysis.difference_said import verdict
from safecot_dsl.artifact import CompiledPolicy
from safecot_dsl.engine import show_condition

if TYPE_CHECKING:
    from safecot_dsl.analysis.difference import PolicyDifference
    from safecot_dsl.dataset.row_changes import RowChanges


def as_json(difference: PolicyDifference, rows: RowChanges | None) -> dict[str, Any]:
    """Everything, for programs."""
    word, sentence = verdict(difference)
    share = difference.share
    return {
        "result": word,
        "sentence": sentence,
        "old": _policy(difference.old),
        "new": _policy(difference.new),
        "hazard": difference.hazard,
        "laxer": difference.laxer.value,
        "stricter": difference.stricter.value,
        "laxer_with_unknown_facts": difference.partial_laxer.value,
        "stricter_with_unknown_facts": difference.partial_stricter.value,
        "regions": [
            {
                "old": region.old.value,
                "new": region.new.value,
                "where": show_condition(region.condition),
                "condition": region.condition.model_dump(mode="json"),
                "not_applying": list(region.outside),
                "witness": region.witness.to_json(),
                "example": region.short.to_json(),
                "old_decision": region.old_decision.model_dump(mode="json"),
                "new_decision": region.new_decision.model_dump(mode="json"),
            }
            for region in difference.regions
        ],
        "complete": difference.complete,
        "not_listed": [[before.value, after.value] for before, after in difference.more],
        "unknown_facts": [
            {
                "example": change.witness.to_json(),
                "old_decision": change.old_decision.model_dump(mode="json"),
                "new_decision": change.new_decision.model_dump(mode="json"),
            }
            for change in difference.partial
        ],
        "other_rules": [
            {
                "witness": change.witness.to_json(),
                "example": change.short.to_json(),
                "old": list(change.old_decision.deciding),
                "new": list(change.new_decision.deciding),
                "verdict": change.new_decision.verdict.value,
            }
            for change in difference.deciders
        ],
        "other_rules_complete": difference.deciders_complete,
        "share": {"samples": share.laxer.of, "laxer": share.laxer.count, "stricter": share.stricter.count},
        "facts": [
            {"name": c.name, "change": c.change, "gained": list(c.gained), "lost": list(c.lost)}
            | ({"before": list(c.before), "after": list(c.after)} if c.before and c.after else {})
            for c in difference.facts
        ],
        "params": [{"name": name, "before": before, "after": after} for name, before, after in difference.params],
        "rules": {
            "added": list(difference.rules.added),
            "removed": list(difference.rules.removed),
            "changed": list(difference.rules.changed),
        },
        "texts": list(difference.texts),
        **({} if rows is None else {"rows": {**rows.model_dump(mode="json"), "counts": rows.counts()}}),
    }


def _policy(policy: CompiledPolicy) -> dict[str, str]:
    return {"name": policy.header.name, "version": policy.header.version, "digest": policy.digest}
