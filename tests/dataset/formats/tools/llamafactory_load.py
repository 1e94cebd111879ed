"""Run by a Python that has LLaMA-Factory: loads an entry of an export as training would, and prints what came of it.

    python llamafactory_load.py EXPORT ENTRY STAGE MODEL SCRATCH

STAGE is `sft` or `rm` (preference pairs), MODEL a folder with a LLaVA processor. Prints one JSON line: for each row the
text of the tokens that carry loss (for pairs: of the chosen and of the rejected answer), and the number of images.
"""

from __future__ import annotations

import json
import sys

from llamafactory.data import get_dataset, get_template_and_fix_tokenizer
from llamafactory.hparams import get_train_args
from llamafactory.model import load_tokenizer

IGNORED = -100


def main(export: str, entry: str, stage: str, model: str, scratch: str) -> None:
    arguments = {
        "stage": stage,
        "do_train": True,
        "finetuning_type": "lora",
        "model_name_or_path": model,
        "dataset_dir": export,
        "dataset": entry,
        "template": "llava",
        "cutoff_len": 4096,
        "output_dir": f"{scratch}/out",
        "cache_dir": f"{scratch}/cache",
        "preprocessing_num_workers": 1,
        "overwrite_cache": True,
        "report_to": "none",
        "use_cpu": True,
    }
    model_args, data_args, training_args, finetuning_args, _ = get_train_args(arguments)
    loaded = load_tokenizer(model_args)
    tokenizer = loaded["tokenizer"]
    template = get_template_and_fix_tokenizer(tokenizer, data_args)
    module = get_dataset(template, model_args, data_args, training_args, stage=finetuning_args.stage, **loaded)
    columns = ("labels",) if stage == "sft" else ("chosen_labels", "rejected_labels")
    rows = [
        {
            "learnt": [tokenizer.decode([id for id in row[column] if id != IGNORED]) for column in columns],
            "images": len(row["images"] or []),
        }
        for row in module["train_dataset"]
    ]
    sys.stdout.write(json.dumps(rows) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
