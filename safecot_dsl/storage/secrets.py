"""What of an address may be written down: an endpoint's URL can hold a name and password, and keys in its query."""

from __future__ import annotations

import re
import shlex
import sys
from collections.abc import Iterable
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import Field, PlainSerializer

_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^\s\"'<>`]+")
_HIDDEN = "***"
#: Parts of a query that say which interface is asked, and no more. What else stands there may be a key.
_TOLD = frozenset({"api-version", "version"})


def public_url(url: str) -> str:
    """The address without the name, password and fragment in it, and with the values of its query hidden."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return _HIDDEN
    query = "&".join(map(_public_part, parts.query.split("&"))) if parts.query else ""
    return parts._replace(netloc=parts.netloc.rpartition("@")[2], query=query, fragment="").geturl()


def _public_part(part: str) -> str:
    name, equals, _ = part.partition("=")
    if not equals:
        return _HIDDEN
    return part if name.lower() in _TOLD else f"{name}={_HIDDEN}"


def scrubbed(text: str) -> str:
    """A text with each address in it as it may be written down."""
    return _URL.sub(lambda found: public_url(found[0]), text) if "://" in text else text


def command_line(words: Iterable[str] | None = None) -> str:
    """The command that runs now, or these words, as it may be written down."""
    return shlex.join(scrubbed(word) for word in ["safecotc", *(sys.argv[1:] if words is None else words)])


#: An address that is used whole, and shown and dumped as it may be written down.
Address = Annotated[str, PlainSerializer(public_url), Field(repr=False)]
