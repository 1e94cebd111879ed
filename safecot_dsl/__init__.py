"""SafeCoT-DSL: safety policies as programs for vision-language models."""

__version__ = "0.1.0"
