"""What a client may ask: turns of text and pictures, and how to draw. All else could write the reasoning itself."""

from __future__ import annotations

import binascii
import json
import re
import unicodedata
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from safecot_dsl.render import Tags, neutralise

#: Turns of a conversation, parts of a turn, characters of all its texts, and of a name that is shown in an error.
MOST_TURNS = 1_000
MOST_PARTS = 256
MOST_TEXT = 1 << 20
_SHOWN = 80
_ROLES = {"system": "system", "developer": "system", "user": "user", "assistant": "assistant"}
_MEDIA = ("image/png", "image/jpeg", "image/jpg", "image/webp", "image/gif", "image/bmp")
_SURROGATE = re.compile("[\ud800-\udfff]")  # has no UTF-8 form; a JSON escape can carry one
_DETAILS = ("auto", "low", "high")


class RefusedError(ValueError):
    """A request that is not passed on. `field` is what of it is wrong, empty where that is the whole."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


@dataclass(frozen=True)
class GuardRequest:
    """A request as it is passed on: the turns, the settings of sampling, and how the client wants its answer.

    `images` are the pictures that came within the request, as bytes; `elsewhere` counts those that it only points to.
    """

    messages: list[dict[str, Any]]
    sampling: dict[str, Any]
    stream: bool = False
    usage: bool = False
    images: tuple[bytes, ...] = ()
    elsewhere: int = 0

    @property
    def prompt(self) -> str:
        """The text of the last turn, which is the user's."""
        content = self.messages[-1]["content"]
        if isinstance(content, str):
            return content
        return "\n".join(part["text"] for part in content if part["type"] == "text")


def _number(low: float, high: float) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, int | float) and not isinstance(value, bool) and low <= value <= high


def _whole(low: int, high: int) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, int) and not isinstance(value, bool) and low <= value <= high


#: How the next word is drawn, and of how many words: with what each may be, in words and as a test.
SAMPLING: Mapping[str, tuple[str, Callable[[Any], bool]]] = {
    "temperature": ("a number from 0 to 2", _number(0, 2)),
    "top_p": ("a number from 0 to 1", _number(0, 1)),
    "top_k": ("a whole number from -1 on", _whole(-1, 1 << 31)),
    "min_p": ("a number from 0 to 1", _number(0, 1)),
    "frequency_penalty": ("a number from -2 to 2", _number(-2, 2)),
    "presence_penalty": ("a number from -2 to 2", _number(-2, 2)),
    "repetition_penalty": ("a number above 0, up to 2", _number(1e-6, 2)),
    "max_tokens": ("a whole number from 1 on", _whole(1, 1 << 31)),
    "max_completion_tokens": ("a whole number from 1 on", _whole(1, 1 << 31)),
    "seed": ("a whole number", _whole(-(1 << 63), (1 << 63) - 1)),
}
#: Why fields that clients know from elsewhere are refused.
_REASONS = {
    "tools": "a call is no answer that could be checked",
    "functions": "a call is no answer that could be checked",
    "stop": "it can end a reasoning before it has been given",
    "logit_bias": "it writes the reasoning in the model's place",
}


def read_request(data: bytes, tags: Tags, image_hosts: Collection[str] = ()) -> GuardRequest:
    """The request in a body. `image_hosts` are the hosts, `images.example.org` or with a port, from which the model's
    server may be sent to fetch a picture.

    Raises:
        RefusedError: it is not JSON, or has in it what is not a client's to decide.
    """
    body = _object(data)
    messages = body.pop("messages", None)
    sampling: dict[str, Any] = {}
    for name, value in body.items():
        if value is None or name == "model":  # which model it is, the operator has said
            continue
        if name in SAMPLING:
            what, fits = SAMPLING[name]
            if not fits(value):
                raise RefusedError(name, f"`{name}` is to be {what}")
            sampling[name] = value
        elif name == "n":
            if not _whole(1, 1)(value):
                raise RefusedError(name, "`n` is to be 1: each answer is checked by itself")
        elif name == "stream":
            if not isinstance(value, bool):
                raise RefusedError(name, "`stream` is true or false")
        elif name == "stream_options":
            _options(value)
        else:
            reason = _REASONS.get(name, "a client decides the messages and the sampling, and nothing else")
            raise RefusedError(_shown(name), f"`{_shown(name)}` is not passed on: {reason}")
    reader = _TurnReader(tags, image_hosts)
    turns = [reader.turn(f"messages[{at}]", turn) for at, turn in _turns(messages)]
    if turns[-1]["role"] == "assistant":
        raise RefusedError(
            "messages",
            "the last turn is the assistant's: an answer that somebody else began is not continued",
        )
    if turns[-1]["role"] != "user":
        raise RefusedError("messages", "the last turn is to be the user's")
    options = body.get("stream_options") or {}
    usage = bool(options.get("include_usage"))
    stream = body.get("stream") is True
    return GuardRequest(turns, sampling, stream, usage, tuple(reader.images), reader.elsewhere)


def _object(data: bytes) -> dict[str, Any]:
    try:
        body = json.loads(data, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise RefusedError("", f"the request is not JSON: {error}") from None
    if not isinstance(body, dict):
        raise RefusedError("", "the request is not a JSON object")
    return body


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is no number of JSON")


def _turns(messages: Any) -> Iterator[tuple[int, Any]]:
    if not isinstance(messages, list) or not messages:
        raise RefusedError("messages", "`messages` is not a list of turns")
    if len(messages) > MOST_TURNS:
        raise RefusedError("messages", f"`messages` has more than {MOST_TURNS} turns")
    return enumerate(messages)


@dataclass
class _TurnReader:
    """Reads the turns of one request."""

    tags: Tags
    hosts: Collection[str]
    images: list[bytes] = field(default_factory=list[bytes])
    elsewhere: int = 0
    _letters: int = 0

    def turn(self, where: str, turn: Any) -> dict[str, Any]:
        given = _only(where, turn, ("role", "content"))
        role = given.get("role")
        named = unicodedata.normalize("NFKC", role).strip().casefold() if isinstance(role, str) else ""
        if named not in _ROLES:
            raise RefusedError(f"{where}.role", f"`{where}.role` is one of system, developer, user and assistant")
        role, content = _ROLES[named], given.get("content")
        if isinstance(content, str):
            return {"role": role, "content": self._clean(content)}
        if not isinstance(content, list) or not 0 < len(content) <= MOST_PARTS:
            raise RefusedError(f"{where}.content", f"`{where}.content` is a text, or a list of 1 to {MOST_PARTS} parts")
        parts: list[dict[str, Any]] = []
        for at, each in enumerate(content):
            part = self._part(f"{where}.content[{at}]", each)
            if part["type"] != "text" and role != "user":
                named = f"{where}.content[{at}]"
                raise RefusedError(named, f"`{named}`: a picture stands in a turn of the user alone")
            if part["type"] == "text" and parts and parts[-1]["type"] == "text":
                # A template writes the texts one behind the other: a sign may not be put together of two of them.
                parts[-1]["text"] += f"\n{part['text']}"
            else:
                parts.append(part)
        for part in parts:
            if part["type"] == "text":
                part["text"] = self._clean(part["text"])
        return {"role": role, "content": parts}

    def _part(self, where: str, part: Any) -> dict[str, Any]:
        kind = part.get("type") if isinstance(part, dict) else None
        if kind == "text":
            text = _only(where, part, ("type", "text")).get("text")
            if not isinstance(text, str):
                raise RefusedError(f"{where}.text", f"`{where}.text` is a text")
            return {"type": "text", "text": text}
        if kind != "image_url":
            raise RefusedError(f"{where}.type", f"`{where}.type` is text or image_url")
        named = f"{where}.image_url"
        image = _only(named, _only(where, part, ("type", "image_url")).get("image_url"), ("url", "detail"))
        url, detail = image.get("url"), image.get("detail")
        if not isinstance(url, str):
            raise RefusedError(f"{named}.url", f"`{named}.url` is a text")
        if detail is not None and detail not in _DETAILS:
            raise RefusedError(f"{named}.detail", f"`{named}.detail` is one of {', '.join(_DETAILS)}")
        if url[:5].lower() == "data:":
            self.images.append(_picture(f"{named}.url", url))
        elif _is_allowed(url, self.hosts):
            self.elsewhere += 1
        else:
            told = (
                f"`{named}.url` is to hold the picture itself (data:image/png;base64,...): it is not fetched from there"
            )
            raise RefusedError(f"{named}.url", told)
        return {"type": "image_url", "image_url": {"url": url, **({"detail": detail} if detail is not None else {})}}

    def _clean(self, text: str) -> str:
        """A client's words as training has them: no sign in them is one of the format, or of a chat template."""
        self._letters += len(text)
        if self._letters > MOST_TEXT:
            raise RefusedError("messages", f"`messages` has more than {MOST_TEXT} characters of text")
        return neutralise(text if text.isascii() else _SURROGATE.sub("\ufffd", text), self.tags)


def _picture(where: str, url: str) -> bytes:
    head, _, encoded = url.partition(",")
    media, _, coding = head[5:].lower().partition(";")
    if media not in _MEDIA or coding != "base64":
        raise RefusedError(where, f"`{where}` is none of {', '.join(_MEDIA)} in base64")
    try:
        data = binascii.a2b_base64(encoded, strict_mode=True)
    except ValueError:
        raise RefusedError(where, f"`{where}` is not base64") from None
    if not data:
        raise RefusedError(where, f"`{where}` holds no picture")
    return data


def _is_allowed(url: str, hosts: Collection[str]) -> bool:
    """Whether an address is one that the operator lets the model's server fetch: http or https, of a host that is
    listed, without what different readers of addresses read differently."""
    if not url.isascii() or not url.isprintable() or any(sign in url for sign in ' \\"<>^`{|}'):
        return False
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return False
    if parts.scheme not in ("http", "https") or "@" in parts.netloc or not parts.hostname:
        return False
    name = parts.hostname.lower()
    return (name if port is None else f"{name}:{port}") in hosts


def _options(value: Any) -> None:
    options = _only("stream_options", value, ("include_usage",))
    if not isinstance(options.get("include_usage", False), bool | None):
        raise RefusedError("stream_options.include_usage", "`stream_options.include_usage` is true or false")


def _only(where: str, value: Any, keys: Collection[str]) -> dict[str, Any]:
    """An object with these keys, and no others but such as are null."""
    if not isinstance(value, dict):
        raise RefusedError(where, f"`{where}` is not an object")
    for key, given in value.items():
        if key not in keys and given is not None:
            named = f"{where}.{_shown(key)}"
            raise RefusedError(named, f"`{named}` is not passed on: only {' and '.join(keys)} are")
    return value


def _shown(name: str) -> str:
    """A client's own word in an error: short, and without what changes how a line is shown."""
    shown = "".join(letter if letter.isprintable() else "?" for letter in name[:_SHOWN])
    return shown + ("..." if len(name) > _SHOWN else "")
