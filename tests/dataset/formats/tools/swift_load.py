"""Run by a Python that has ms-swift: loads files of an export as training would, and prints what came of it.

    ROOT_IMAGE_DIR=EXPORT python swift_load.py MODEL MODE STRICT FILE…

MODE is `train` or `rlhf` (preference pairs), MODEL a folder with a LLaVA processor; STRICT is `strict`, or `lax` as the
tool is by default, which deletes what it cannot take. Prints one JSON line: for each row
the text of the tokens that carry loss (for pairs: of the chosen and of the rejected answer), and the number of images.
"""

from __future__ import annotations

import json
import sys

from swift.dataset import load_dataset
from swift.model import get_processor
from swift.template import get_template

IGNORED = -100


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
    main(*sys.argv[1:])
