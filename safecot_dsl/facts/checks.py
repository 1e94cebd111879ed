"""Checks on what a source says, before it teaches anything."""

from __future__ import annotations

from functools import cache
from typing import Any

# An annotator (often a model) that was not shown the picture. VLGuard's train.json has five such answers to safe
# questions, under the ids Ads_344756, Ads_333524, Ads_373374 and (twice) Ads_303871.
_IMAGE = r"(?:image|picture|photo(?:graph)?|screenshot|attachment)s?"
_GIVEN = r"(?:provided|attached|available|included|given|uploaded|shared)"
_GIVE = r"(?:provided?|attach(?:ed)?|included?|upload(?:ed)?|shared?|given?|gave)"
_NOT = r"(?:haven't|have not|didn't|did not|hasn't|has not)"
_CANNOT = r"(?:can't|cannot|can not|am unable to|am not able to|don't|do not)"
_NO_IMAGE = (
    rf"\bno {_IMAGE} (?:(?:was|is|has been|were|have been) )?{_GIVEN}",
    rf"\b{_NOT} (?:been )?{_GIVE}(?: me)?(?: with)? (?:an?|any|the) {_IMAGE}",
    rf"\b{_CANNOT} (?:actually )?see (?:an?|any|the|your) {_IMAGE}",
    rf"\bwithout (?:an?|any) {_IMAGE} to\b",
    rf"\bplease (?:provide|upload|attach|share|include) (?:an?|the|your) {_IMAGE}",
)

#: What a tokenizer or processor would take for an image (LLaVA and Idefics, Qwen-VL, Gemma 3, Pixtral, InternVL).
IMAGE_PLACEHOLDERS = (
    "<image>",
    "<|image|>",
    "<|image_pad|>",
    "<|vision_start|>",
    "<image_soft_token>",
    "<start_of_image>",
    "<fake_token_around_image>",
    "<IMG_CONTEXT>",
    "[IMG]",
)


@cache
def _no_image_pattern() -> Any:  # RE2 publishes no type for a compiled pattern
    import re2

    return re2.compile("(?i)" + "|".join(_NO_IMAGE))


def says_no_image(answer: str) -> bool:
    """Whether an answer says that no image was given. About a request with an image it is a defect of the source."""
    return _no_image_pattern().search(answer.replace("’", "'")) is not None


def image_placeholder(text: str) -> str | None:
    """The first placeholder for an image that stands in `text`, where a processor would look for an image's data."""
    if "<" not in text and "[" not in text:  # as in most texts
        return None
    return next((placeholder for placeholder in IMAGE_PLACEHOLDERS if placeholder in text), None)
