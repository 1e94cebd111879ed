"""LoRA on a vision-language model, with loss on the completion only.

`train` makes an adapter folder from a Parquet file of rows and a base model; `show_batch` shows what carries loss.
Importing this package does not load torch.
"""

from safecot_dsl.training.errors import TrainingError
from safecot_dsl.training.recipe import TrainingRecipe
from safecot_dsl.training.run import TrainingResult, train
from safecot_dsl.training.show import show_batch

__all__ = ["TrainingError", "TrainingRecipe", "TrainingResult", "show_batch", "train"]
