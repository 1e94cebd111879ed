"""One way to ask a vision-language model: a local one, one behind an endpoint, or a scripted one.

Importing this package loads neither torch nor Pillow nor an HTTP client; opening a model or an image does.
"""

from safecot_dsl.models.asking import Asker, Counts, Failure, LocalAsker, Question, Reply
from safecot_dsl.models.embedding import embed, embedding_version
from safecot_dsl.models.endpoint import Endpoint, EndpointSettings
from safecot_dsl.models.folder import model_digest
from safecot_dsl.models.images import ImageError, open_image
from safecot_dsl.models.interface import Request, ScriptedModel, VisionLanguageModel
from safecot_dsl.models.local import LocalModel, load_model
from safecot_dsl.models.naming import ModelError, UnpinnedModelWarning
from safecot_dsl.models.processors import load_processor

__all__ = [
    "Asker",
    "Counts",
    "Endpoint",
    "EndpointSettings",
    "Failure",
    "ImageError",
    "LocalAsker",
    "LocalModel",
    "ModelError",
    "Question",
    "Reply",
    "Request",
    "ScriptedModel",
    "UnpinnedModelWarning",
    "VisionLanguageModel",
    "embed",
    "embedding_version",
    "load_model",
    "load_processor",
    "model_digest",
    "open_image",
]
