"""One way to ask a vision-language model: a local one, or a scripted one with the same interface.

Importing this package loads neither torch nor Pillow; opening a model or an image does.
"""

from safecot_dsl.models.folder import ModelError, model_digest
from safecot_dsl.models.images import ImageError, open_image
from safecot_dsl.models.interface import Request, ScriptedModel, VisionLanguageModel
from safecot_dsl.models.local import LocalModel, load_model

__all__ = [
    "ImageError",
    "LocalModel",
    "ModelError",
    "Request",
    "ScriptedModel",
    "VisionLanguageModel",
    "load_model",
    "model_digest",
    "open_image",
]
