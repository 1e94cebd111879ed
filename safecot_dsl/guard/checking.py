"""What a reasoning states, beside what a recipe's annotators find in the same request."""

from __future__ import annotations

import asyncio
import itertools
import logging
import re
import unicodedata
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from difflib import SequenceMatcher

from safecot_dsl.artifact import Case, CompiledPolicy, TextType, Value, read_case
from safecot_dsl.engine import show_value
from safecot_dsl.facts.annotators import Annotators
from safecot_dsl.facts.item import Item, LazyImage
from safecot_dsl.guard.requests import GuardRequest, RefusedError
from safecot_dsl.guard.watching import FactCheck
from safecot_dsl.models import ImageError, open_image
from safecot_dsl.reading import Derivation, DerivationFault, FactReader

#: Of the letters of two readings of one text so many are the same, in the same order.
_ALIKE = 0.9
_LONGEST = 4_000  # letters of which readings are compared one by one; longer ones are alike where they are equal
_CUT = " \u2026"  # at the end of a text that was cut
_log = logging.getLogger("uvicorn.error")


class AnnotatedFacts:
    """Has annotators look at requests, one at a time, in a thread of its own.

    A statement is at fault where an annotator found another value, told otherwise in the policy's words; so is one that
    nobody can tell what an annotator found. What no annotator could tell, or no statement is about, is no fault. Where
    the annotators fail, nothing goes through.
    """

    def __init__(self, annotators: Annotators, policy: CompiledPolicy) -> None:
        self.facts = annotators.facts
        self._annotators = annotators
        self._policy = policy
        self._reader = FactReader(policy)
        self._numbers = itertools.count(1)
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="annotators")

    async def prepare(self, asked: GuardRequest) -> FactCheck:
        """Looks at a request. Raises `RefusedError` for one whose pictures cannot be looked at."""
        if asked.elsewhere:
            raise RefusedError("messages", "pictures are checked here, and are to come within the request")
        return await asyncio.get_running_loop().run_in_executor(self._thread, self.look, asked)

    def look(self, asked: GuardRequest) -> FactCheck:
        """The same, without an event loop.

        Raises:
            RefusedError: a picture cannot be read.
        """
        for data in asked.images:
            try:
                open_image(data)
            except ImageError as error:
                raise RefusedError("messages", f"a picture cannot be read: {error}") from None
        images = [LazyImage.of_bytes(data, f"{number}") for number, data in enumerate(asked.images, start=1)]
        item = Item(str(next(self._numbers)), "request", "", asked.prompt, tuple(images), Case({}, frozenset()))
        try:
            (found,) = self._annotators.annotate([item])
        except Exception as error:  # whatever a model, an endpoint or a file does
            _log.error("the annotators failed: %.300r", error)
            return lambda _: [(DerivationFault.UNTRUE, "what it states could not be checked: the annotators failed")]
        return lambda derivation: self.faults(derivation, found.case)

    def faults(self, derivation: Derivation, found: Case) -> Sequence[tuple[DerivationFault, str]]:
        """What a derivation states otherwise than it was found."""
        stated = read_case(self._policy, {"facts": derivation.facts})
        faults: list[tuple[DerivationFault, str]] = []
        for name, value in found.known.items():
            if name in stated.cannot_tell:
                faults.append((DerivationFault.UNTRUE, f"says that nobody can tell `{name}`, which the annotators can"))
            elif name in stated.known and not self._alike(name, stated.known[name], value):
                said, seen = show_value(stated.known[name]), show_value(value)
                faults.append((DerivationFault.UNTRUE, f"states `{name}` {said}, and the annotators find {seen}"))
        return faults

    def _alike(self, name: str, said: Value, seen: Value) -> bool:
        if isinstance(said, str) and isinstance(self._policy.fact_index[name].type, TextType):
            return reads_alike(said, str(seen))
        return self._reader.agree(name, said, seen)


def reads_alike(said: str, seen: str) -> bool:
    """Whether two readings of a picture's text are of one text: readers differ in spaces, signs and single letters.
    Of a text that was cut, what stands before the cut is compared."""
    letters, others = _letters(said.removesuffix(_CUT)), _letters(seen)
    if said.endswith(_CUT):
        others = others[: len(letters)]
    if letters == others:
        return True
    most = max(len(letters), len(others))
    matched = sum(block.size for block in SequenceMatcher(None, letters, others, autojunk=False).get_matching_blocks())
    return most <= _LONGEST and matched >= _ALIKE * most


def _letters(text: str) -> str:
    return re.sub(r"[\W_]+", "", unicodedata.normalize("NFKC", text).casefold())
