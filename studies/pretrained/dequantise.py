"""`python -m studies.pretrained.dequantise GGUF OUT`: a GGUF file as a Transformers folder of safetensors.

It runs in a process of its own, whose path has the package that reads GGUF: Transformers asks for it once.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from safecot_dsl.storage import whole_directory


def dequantise(gguf: Path, out: Path, packages: Path) -> None:
    """Write the language model and the tokenizer of a GGUF file to the folder `out`, in bfloat16, whole or not at all;
    `packages` has the package that reads such files. About a minute and 3 GB of memory for 268 million weights."""
    if out.is_dir():
        return
    path = os.pathsep.join(filter(None, (os.environ.get("PYTHONPATH"), str(packages))))
    command = [sys.executable, "-m", "studies.pretrained.dequantise", str(gguf), str(out)]
    root = Path(__file__).resolve().parents[2]
    subprocess.run(command, check=True, cwd=root, env={**os.environ, "PYTHONPATH": path, "HF_HUB_OFFLINE": "1"})


def _write(gguf: Path, out: Path) -> None:
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer: Any = AutoTokenizer.from_pretrained(gguf.parent, gguf_file=gguf.name)
    model: Any = AutoModelForCausalLM.from_pretrained(gguf.parent, gguf_file=gguf.name, dtype=torch.float32)
    # As loaded it counts as quantised, and could not be saved.
    model.hf_quantizer = None
    if hasattr(model.config, "quantization_config"):
        del model.config.quantization_config
    with whole_directory(out) as folder:
        model.to(torch.bfloat16).save_pretrained(folder)
        tokenizer.save_pretrained(folder)


if __name__ == "__main__":
    _write(Path(sys.argv[1]).absolute(), Path(sys.argv[2]).absolute())
