"""Run by a Python that has ms-swift: loads files of an export as training would, and prints what came of it.

    ROOT_IMAGE_DIR=EXPORT python swift_load.py MODEL MODE STRICT FILE…

MODE is `train` or `rlhf` (preference pairs), MODEL a folder with a LLaVA processor; STRICT is `strict`, or `lax` as the
tool is by default, which deletes what it cannot take. Prints one JSON line: for each row
the text of the tokens that carry loss (for pairs: of the chosen and of the rejected answer), and the number of images.

    python swift_load.py rewarded POLICY FILE…

Prints what the rows' own texts earn under the policy, the roles of each row's turns, and the number of its images.
"""

from __future__ import annotations

import json
import sys

from swift.dataset import load_dataset
from swift.model import get_processor
from swift.template import get_template

IGNORED = -100


def rewarded(policy: str, *files: str) -> None:
    """What the rows' own texts earn by the class that `orms` holds, called with the columns that were loaded."""
    from swift.rewards import orms

    from safecot_dsl.rewards import swift_reward

    orms["safecot"] = swift_reward(policy, cited=1)
    loaded, _ = load_dataset(list(files), strict=True, remove_unused_columns=False)
    reward, rows = orms["safecot"](), list(loaded)
    columns = {name: [row[name] for row in rows] for name in ("facts", "own")}
    scores = reward([row["own"] for row in rows], **columns)
    turns = [[turn["role"] for turn in row["messages"]] for row in rows]
    images = [len(row["images"] or []) for row in rows]
    sys.stdout.write(json.dumps({"scores": scores, "roles": turns, "images": images}) + "\n")


def main(model: str, mode: str, strict: str, *files: str) -> None:
    processor = get_processor(model, model_type="llava1_5_hf")
    template = get_template(processor, template_type="llava1_5_hf", max_length=4096)
    template.set_mode(mode)
    loaded, _ = load_dataset(list(files), strict=strict == "strict")
    rows = []
    for row in loaded:
        encoded = template.encode(dict(row))
        labels = [encoded[name] for name in ("labels", "chosen_labels", "rejected_labels") if encoded.get(name)]
        learnt = [processor.tokenizer.decode([id for id in ids if id != IGNORED]) for ids in labels]
        rows.append({"learnt": learnt, "images": len(row["images"] or [])})
    sys.stdout.write(json.dumps(rows) + "\n")


if __name__ == "__main__":
    rewarded(*sys.argv[2:]) if sys.argv[1] == "rewarded" else main(*sys.argv[1:])
