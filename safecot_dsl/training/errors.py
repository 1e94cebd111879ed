"""What goes wrong in training."""


class TrainingError(ValueError):
    """Rows, a model or a recipe that cannot be trained on, or a run that went wrong: what, where and how to mend it."""
