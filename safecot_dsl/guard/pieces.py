"""The text in what a model's server sends, and what else it sends, which is handled by name or held back."""

from __future__ import annotations

from typing import Any

from safecot_dsl.guard.upstream import UpstreamError
from safecot_dsl.render import Tags

_REASONING = ("reasoning_content", "reasoning")
_CALLS = ("tool_calls", "function_call", "audio")
#: What a piece of text has, and nothing else that would have to be looked at.
_TEXT_ALONE = frozenset({"content", "role"})
#: How a model can end: at its end, at the limit of its words, or by a filter of its server.
_ENDS = ("stop", "length", "content_filter")
_USAGE = ("prompt_tokens", "completion_tokens", "total_tokens")


class MoreThanTextError(Exception):
    """Something that no text is, and that no check reads: a call of a tool, a second answer beside the first."""


class Pieces:
    """Takes one answer apart, whole or as it streams.

    A server that takes the reasoning apart itself sends it in a field of its own: it is put back between its tags.
    `finish_reason` and `usage` are what the server says of the answer's end; they are the guard's own copies.
    """

    def __init__(self, tags: Tags) -> None:
        self.finish_reason = "stop"
        self.usage: dict[str, int] | None = None
        self._tags = tags
        self._inside = False
        self._finished = False

    def of_whole(self, made: Any) -> str:
        """The text of an answer that came in one. Raises `UpstreamError` for what is none."""
        choices = made.get("choices") if isinstance(made, dict) else None
        if not isinstance(choices, list) or not choices:
            raise UpstreamError("its answer has no choices", began=True)
        self._usage(made.get("usage"))
        return "".join([self._choice(choice, "message", len(choices)) for choice in choices]) + self.rest()

    def of_chunk(self, chunk: Any) -> str:
        """The text of an event of a stream. Raises `UpstreamError` for one that says that something went wrong."""
        # A stream has an event for every word, so this is most of what a stream costs: no generators, few calls.
        if not isinstance(chunk, dict) or "error" in chunk:
            raise UpstreamError("an event of its stream is an error", began=True)
        usage = chunk.get("usage")
        if usage is not None:
            self._usage(usage)
        choices = chunk.get("choices")
        if not isinstance(choices, list):
            return ""
        if len(choices) == 1:
            return self._choice(choices[0], "delta", 1)
        return "".join([self._choice(choice, "delta", len(choices)) for choice in choices])

    def ended(self) -> None:
        """The stream is done. Raises `UpstreamError` where the model had not said that it was."""
        if not self._finished:
            raise UpstreamError("its stream ended before the answer did", began=True)

    def rest(self) -> str:
        """The closing tag of a reasoning that stayed open in its own field; "" where none did."""
        if not self._inside:
            return ""
        self._inside = False
        return f"\n{self._tags.close}"

    def _choice(self, choice: Any, key: str, count: int) -> str:
        if not isinstance(choice, dict):
            raise UpstreamError("a choice of its answer is none", began=True)
        if count > 1 or choice.get("index") not in (None, 0):
            raise MoreThanTextError("several choices: each answer is checked by itself")
        said = choice.get(key)
        text = self._text(said) if isinstance(said, dict) else ""
        reason = choice.get("finish_reason")
        if reason is not None:
            if reason not in _ENDS:
                raise MoreThanTextError("`finish_reason` is none of an answer in words")
            self.finish_reason, self._finished = reason, True
        return text

    def _text(self, said: dict[str, Any]) -> str:
        text = ""
        if not said.keys() <= _TEXT_ALONE:
            for name in _CALLS:
                if said.get(name):
                    raise MoreThanTextError(f"`{name}`: a call is no answer that could be checked")
            reasoning = next((said[name] for name in _REASONING if said.get(name)), None)
            if isinstance(reasoning, str):
                text = reasoning if self._inside else f"{self._tags.open}\n{reasoning}"
                self._inside = True
        content = said.get("content")
        if isinstance(content, str) and content:
            text += f"\n{self._tags.close}\n{content}" if self._inside else content
            self._inside = False
        return text

    def _usage(self, usage: Any) -> None:
        if isinstance(usage, dict):
            counts = {name: usage.get(name) for name in _USAGE}
            kept = {name: n for name, n in counts.items() if isinstance(n, int) and not isinstance(n, bool)}
            self.usage = kept or self.usage
