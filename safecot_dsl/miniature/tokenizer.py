"""A tokenizer of whole words whose round trip is exact: decoding gives back the very text that was encoded.

A word takes the space before it along (as in GPT-2's pieces), and line breaks, punctuation and the tags of reasoning
are tokens, so nothing has to be guessed when tokens are put together again.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

PAD, UNKNOWN, START, END = "<pad>", "<unk>", "<|im_start|>", "<|im_end|>"
FAKE_IMAGE, IMAGE, GLOBAL_IMAGE, END_OF_UTTERANCE = (
    "<fake_token_around_image>",
    "<image>",
    "<global-img>",
    "<end_of_utterance>",
)
_SPECIAL = (PAD, UNKNOWN, START, END, FAKE_IMAGE, IMAGE, GLOBAL_IMAGE, END_OF_UTTERANCE)

# A tag of reasoning, a word or a sign, each with the space before it if there is one; a line break or a space alone.
_PIECE = r"</?think>| ?[A-Za-z0-9_]+| ?[^\sA-Za-z0-9_]|\s"


class VocabularyError(ValueError):
    """A text has pieces that are not in the vocabulary."""


def pieces(text: str) -> list[str]:
    """The tokens of a text, in order; joined they are the text."""
    return re.findall(_PIECE, text)


def build_tokenizer(texts: Iterable[str]) -> PreTrainedTokenizerFast:
    """The tokenizer whose vocabulary is that of `texts`, each of its tokens once, sorted.

    Prompts may have words that are not in it (`<unk>`); texts to train on may not, see :func:`assert_known`.
    """
    from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    known = sorted({piece for text in texts for piece in pieces(text)} - set(_SPECIAL))
    vocabulary = {token: number for number, token in enumerate((*_SPECIAL, *known))}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token=UNKNOWN))
    tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex(_PIECE), behavior="isolated")
    tokenizer.decoder = decoders.Fuse()
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token=PAD,
        unk_token=UNKNOWN,
        eos_token=END,
        additional_special_tokens=[START, FAKE_IMAGE, IMAGE, GLOBAL_IMAGE, END_OF_UTTERANCE],
        clean_up_tokenization_spaces=False,
        model_input_names=["input_ids", "attention_mask"],
    )


def token_id(tokenizer: PreTrainedTokenizerFast, token: str) -> int:
    """The number of one token; that of `<unk>` for one that is not in the vocabulary."""
    number = tokenizer.convert_tokens_to_ids(token)
    assert isinstance(number, int)
    return number


def assert_known(tokenizer: PreTrainedTokenizerFast, texts: Iterable[str]) -> None:
    """Raise :class:`VocabularyError` with the first text that the tokenizer cannot give back."""
    vocabulary = tokenizer.get_vocab()
    for text in texts:
        unknown = [piece for piece in pieces(text) if piece not in vocabulary]
        if unknown:
            raise VocabularyError(
                f"`{unknown[0]}` in {text!r} is not a token of the small model: build the base again with this policy"
            )
