"""A model's own way of writing a conversation, and of turning it into tensors.

Everything here is read off the model's chat template, tokenizer and processor, so that it holds for any family.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

from safecot_dsl.models.families import family_of_processor
from safecot_dsl.models.folder import ModelError
from safecot_dsl.models.images import open_image
from safecot_dsl.models.interface import Request
from safecot_dsl.models.limited import RanOutError, limited
from safecot_dsl.models.tensors import append_tokens

if TYPE_CHECKING:
    from torch import Tensor

_PROBE = "Nineteen."
#: The texts in a template's code, and the code itself: what it does, and not what it writes.
_QUOTED = r"""'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*\""""
_CODE = r"""\{[{%](?:""" + _QUOTED + r"""|[^'"])*?[%}]\}"""
_TEMPLATE_SECONDS = 20.0  # for one request: a template takes a millisecond
# Templates of reasoning models may open the reasoning themselves.
_OPENED = re.compile(r"<think>\s*\Z")


def _check_template(template: Any) -> None:
    """Raises :class:`ModelError` for a template that raises to a power: that is done in one step of Python, which no
    limit of time can stop."""
    import re2

    for text in template.values() if isinstance(template, Mapping) else [template]:
        for code in re2.finditer(f"(?s){_CODE}", re2.sub(r"(?s)\{#.*?#\}", "", str(text))):
            if "**" in re2.sub(f"(?s){_QUOTED}", "", code[0]):
                raise ModelError("the model's chat template raises numbers to powers, which no chat needs")


class Chat:
    """Writes requests as a model's chat template has them, and encodes them with its processor."""

    def __init__(self, processor: Any, stop_ids: frozenset[int] = frozenset()) -> None:
        """`stop_ids`: what ends a turn by the model's generation settings, beside the tokenizer's own end.

        Raises:
            ModelError: the processor has no tokenizer, or no usable chat template, or the model has no end of turn.
        """
        if not hasattr(processor, "tokenizer"):
            raise ModelError(f"the model's processor is a bare {type(processor).__name__}: it cannot take images")
        self.processor = processor
        self.tokenizer = processor.tokenizer
        family = family_of_processor(type(processor).__name__)
        self._prefix = family is not None and family.prefix
        if not getattr(processor, "chat_template", None):
            raise ModelError("the model's processor has no chat template (chat_template.jinja)")
        _check_template(processor.chat_template)
        end = self.tokenizer.eos_token_id
        self.stop_ids = stop_ids | (frozenset() if end is None else frozenset({end}))
        if not self.stop_ids:
            raise ModelError("the model has no end-of-turn token: neither its tokenizer nor its generation settings")
        self.pad_id: int = (
            self.tokenizer.pad_token_id if self.tokenizer.pad_token_id is not None else min(self.stop_ids)
        )

    def write(self, request: Request) -> str:
        """The request in the template's form, up to where the assistant's turn begins.

        Special tokens that stand in the request's own text are broken by a space (`< image>`), so that nobody can end
        a turn, or claim an image, from within a request.
        """
        return self._template(self._turns(request), add_generation_prompt=True)

    def encode(self, request: Request) -> dict[str, Tensor]:
        """The tensors that the model takes for one request: `input_ids` (1, tokens) and what its images need.

        What the answer begins with is encoded apart, as a completion is in training.

        Raises:
            ImageError: an image is refused.
        """
        prompt = self._process(self.write(request), [open_image(image) for image in request.images])
        begun = self.begun_ids(request)
        return self.continued(prompt, begun) if begun else prompt

    def begun_ids(self, request: Request) -> list[int]:
        """The tokens that the answer begins with, after what the template has written of it."""
        return self.token_ids(self.remaining(request, self._broken(request.begun))) if request.begun else []

    def continued(self, prompt: Mapping[str, Tensor], ids: Sequence[int]) -> dict[str, Tensor]:
        """The tensors of an encoded request with an answer's tokens after it: (1, tokens) becomes (1, tokens + ids)."""
        return append_tokens(prompt, ids, answer_type=1 if self._prefix else None)

    def opened(self, request: Request) -> str:
        """What the template itself has written of the answer: `<think>` in some reasoning models, else nothing."""
        found = _OPENED.search(self.write(request))
        return found.group() if found else ""

    def remaining(self, request: Request, completion: str) -> str:
        """What the model has yet to write of `completion`, which the template may have begun."""
        opened = self.opened(request).rstrip()
        if not opened or not completion.startswith(opened):
            return completion
        return completion.removeprefix(opened).removeprefix("\n")

    def token_ids(self, text: str) -> list[int]:
        """The tokens of a piece of text, special tokens in it included, and nothing added."""
        return self.tokenizer(text, add_special_tokens=False)["input_ids"]

    def pieces_of(self, text: str, token: int) -> list[str]:
        """The pieces of the text that become this token, such as the words that the tokenizer does not know."""
        if not self.tokenizer.is_fast:  # no offsets
            return [word for word in text.split() if token in self.token_ids(word)]
        made = self.tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)
        spans = zip(made["input_ids"], made["offset_mapping"], strict=True)
        return [text[start:end].strip() for found, (start, end) in spans if found == token]

    def decode(self, ids: Sequence[int]) -> str:
        """Text of generated tokens up to the end of the turn.

        What the template and the processor write themselves (turns, images, padding) is left out; other special
        tokens, as `<think>` is in some vocabularies, are text.
        """
        kept: list[int] = []
        for token in ids:
            if token in self.stop_ids:
                break
            if token not in self.control_ids:
                kept.append(token)
        return self.tokenizer.decode(kept, skip_special_tokens=False, clean_up_tokenization_spaces=False).strip()

    @cached_property
    def closing_ids(self) -> list[int]:
        """What the template writes after an assistant's text: the end of the turn, and perhaps a line break.

        Raises:
            ModelError: the chat template does not write an assistant's text as it is.
        """
        turn = {"role": "assistant", "content": [{"type": "text", "text": _PROBE}]}
        written = self._template([self._user_turn("Which?", 0), turn], add_generation_prompt=False)
        _, found, tail = written.rpartition(_PROBE)
        if not found:
            raise ModelError("the chat template does not write the assistant's text as it is")
        ids = self.token_ids(tail)
        return ids if self.stop_ids.intersection(ids) else [*ids, min(self.stop_ids)]

    @cached_property
    def control_ids(self) -> frozenset[int]:
        """The special tokens that the template and the processor write, and the tokenizer's named ones."""
        from PIL import Image

        prompt = _OPENED.sub("", self._template([self._user_turn("Which?", 1)], add_generation_prompt=True))
        written = self._process(prompt, [Image.new("RGB", (64, 64))])["input_ids"][0].tolist()
        names = ("bos", "eos", "pad", "unk", "sep", "cls")
        named = [getattr(self.tokenizer, f"{name}_token_id", None) for name in names]
        special = {*written, *self.closing_ids} & self._special.keys()
        return self.stop_ids | special | {i for i in named if i is not None}

    @cached_property
    def _special(self) -> dict[int, str]:
        added = self.tokenizer.added_tokens_decoder
        return {i: token.content for i, token in added.items() if token.special}

    @cached_property
    def _special_pattern(self) -> re.Pattern[str] | None:
        longest_first = sorted(self._special.values(), key=len, reverse=True)
        return re.compile("|".join(map(re.escape, longest_first))) if longest_first else None

    def _turns(self, request: Request) -> list[dict[str, Any]]:
        if not request.system:
            return [self._user_turn(request.prompt, len(request.images))]
        if not self._has_system_turn:
            return [self._user_turn(f"{request.system}\n\n{request.prompt}", len(request.images))]
        system = {"role": "system", "content": [{"type": "text", "text": self._broken(request.system)}]}
        return [system, self._user_turn(request.prompt, len(request.images))]

    @cached_property
    def _has_system_turn(self) -> bool:
        """Whether the template writes a system turn; else the user's text holds it."""
        turn = {"role": "system", "content": [{"type": "text", "text": _PROBE}]}
        try:
            return _PROBE in self._template([turn, self._user_turn("Which?", 0)], add_generation_prompt=True)
        except ModelError:
            raise
        except Exception:  # templates refuse by errors of their own
            return False

    def _user_turn(self, text: str, images: int) -> dict[str, Any]:
        content = [*[{"type": "image"}] * images, {"type": "text", "text": self._broken(text)}]
        return {"role": "user", "content": content}

    def _broken(self, text: str) -> str:
        """The text with its special tokens broken by a space."""
        if self._special_pattern is None:
            return text
        return self._special_pattern.sub(lambda found: f"{found[0][0]} {found[0][1:]}", text)

    def _template(self, messages: list[dict[str, Any]], *, add_generation_prompt: bool) -> str:
        def written() -> str:
            return self.processor.apply_chat_template(
                messages, tokenize=False, add_generation_prompt=add_generation_prompt
            )

        try:
            return limited(written, _TEMPLATE_SECONDS)
        except RanOutError as error:
            raise ModelError(f"the model's chat template takes {error} for one request: it does not end") from None

    def _process(self, text: str, images: list[Any]) -> dict[str, Tensor]:
        import torch

        begin = self.tokenizer.bos_token
        settings = {"add_special_tokens": False} if begin and text.startswith(begin) else {}
        if self._prefix and not images:  # the processor refuses text alone, the model does not
            made = self.tokenizer([text], return_tensors="pt", return_token_type_ids=True, **settings)
            made["token_type_ids"] = torch.zeros_like(made["input_ids"])
        else:
            made = self.processor(text=[text], images=[images] if images else None, return_tensors="pt", **settings)
        return {key: value for key, value in made.items() if key != "labels"}  # PaliGemma's are of no use here
