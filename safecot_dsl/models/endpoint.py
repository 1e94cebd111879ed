"""A model behind an OpenAI-compatible endpoint (vLLM, llama.cpp, Ollama, and the services)."""

from __future__ import annotations

import base64
import json
import os
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field

from safecot_dsl.artifact import canonical_json
from safecot_dsl.artifact.base import Frozen
from safecot_dsl.models.asking import Counts, Failure, Question, Reply
from safecot_dsl.models.folder import ModelError
from safecot_dsl.models.images import image_type
from safecot_dsl.models.interface import Request
from safecot_dsl.storage import Cache, Progress, sha256_bytes
from safecot_dsl.storage.secrets import Address, public_url, scrubbed

if TYPE_CHECKING:
    from openai import OpenAI

_LONGEST_WAIT = 60.0  # seconds between two tries
#: What may go right when it is tried again; every other HTTP status is an answer.
_PASSING = frozenset({408, 409, 425, 429, 500, 502, 503, 504, 529})
#: What no other question would be spared: a wrong key, and a model or address that is not there.
_HOPELESS = frozenset({401, 404})
#: So many questions in a row without a connection, each tried again to the end, and the server counts as gone.
_GONE = 3


class EndpointSettings(Frozen):
    """An endpoint as a recipe names it. The key is read from the environment, never from the recipe."""

    base_url: Address = Field(
        description="Such as http://localhost:8000/v1. A name, a password or a key in it is written down nowhere."
    )
    model: str = Field(description="The model's name, as the server knows it.")
    api_key_env: str | None = Field(
        default=None, description="The environment variable that holds the key; without it none is sent."
    )
    temperature: float = Field(
        default=0.0, ge=0, le=2, description="How freely the model draws its words, from 0 (always the likeliest) to 2."
    )
    top_p: float | None = Field(
        default=None,
        gt=0,
        le=1,
        description="Draw among the likeliest tokens of this probability, above 0 and up to 1. Default: the server's "
        "own.",
    )
    max_tokens: int = Field(default=1024, ge=1, description="The most tokens of one answer, reasoning included.")
    timeout: float = Field(default=120.0, gt=0, description="Seconds for one answer.")
    concurrency: int = Field(default=8, ge=1, le=256, description="Questions under way at once.")
    retries: int = Field(default=4, ge=0, le=20, description="Tries after the first, with growing waits.")
    requests_per_minute: float | None = Field(
        default=None, gt=0, description="The most questions that are put in a minute. Default: no limit."
    )
    structured: Literal["json_schema", "json_object", "none"] = Field(
        default="json_schema", description="How the server is told of a schema."
    )
    begun: Literal["refuse", "continue_final_message", "prefix", "final_message"] = Field(
        default="refuse",
        description="How the server is told to go on with an answer that is begun: vLLM's and SGLang's "
        "`continue_final_message`, DeepSeek's and Mistral's `prefix`, or by an assistant's message at the end alone. "
        "`refuse`: it is not asked.",
    )
    reasoning: Literal["leave_out", "inline"] = Field(
        default="leave_out",
        description="What becomes of reasoning that the server gives apart: left out, or put before the answer in "
        "`<think>` tags.",
    )
    extra_body: dict[str, Any] = Field(default_factory=dict, description="Further keys of the request's body.")
    input_price: Annotated[float, Field(ge=0)] | None = Field(default=None, description="For a million input tokens.")
    output_price: Annotated[float, Field(ge=0)] | None = Field(default=None, description="For a million output tokens.")


class Endpoint:
    """Puts questions to an endpoint: several at once, again where a failure may pass, and never twice where cached.

    Answers are cached by the digest of all that determines them, so a run that was killed continues where it was. At
    a temperature above 0 a cached answer is *the* draw for its question and seed.
    """

    def __init__(self, settings: EndpointSettings, *, cache: Cache | None = None) -> None:
        """Raises :class:`ModelError` where the key's environment variable is named and not set."""
        self.settings = settings
        self.name = settings.model
        self.counts = Counts(cost=None if settings.input_price is None and settings.output_price is None else 0.0)
        self._cache = cache
        self._lock = threading.Lock()
        self._unreached = 0  # questions in a row that got no connection
        self._next_slot = 0.0  # when the next request may start, by the monotonic clock
        self._opened: OpenAI | None = None
        if settings.api_key_env is not None and not os.environ.get(settings.api_key_env):
            raise ModelError(f"the environment variable `{settings.api_key_env}`, which is to hold the key, is not set")

    def ask(
        self,
        questions: Sequence[Question],
        *,
        progress: Progress | None = None,
        each: Callable[[int, Reply | Failure], None] | None = None,
    ) -> list[Reply | Failure]:
        """One reply or failure a question, in their order. `progress` is advanced by the questions answered, and `each`
        is told of every one as it comes, with its number, by one thread at a time.

        Raises :class:`ModelError` where going on is in vain: the key is wrong, the model is not there, or the server
        is gone. What was answered until then is in the cache.
        """
        keys = [self._key(question) for question in questions]
        kept = self._cache.get_many(keys) if self._cache is not None else {}
        found: dict[str, Reply | Failure] = {key: _from_cache(text, self.name) for key, text in kept.items()}
        fresh: dict[str, Question] = {}
        for key, question in zip(keys, questions, strict=True):
            if key not in found:
                fresh.setdefault(key, question)  # the same question twice is asked once
        places: dict[str, list[int]] = {}
        for number, key in enumerate(keys):
            places.setdefault(key, []).append(number)
        known = sum(len(places[key]) for key in kept)
        telling = threading.Lock()

        def tell(key: str) -> None:
            if each is not None:
                with telling:
                    for number in places[key]:
                        each(number, found[key])

        for key in kept:
            tell(key)
        with self._lock:
            self.counts.cached += known
        if progress is not None and known:
            progress.advance(known)

        def work(entry: tuple[str, Question]) -> None:
            key, question = entry
            found[key] = answer = self._ask(question)
            if isinstance(answer, Reply) and self._cache is not None:
                self._cache.put(key, _to_cache(answer))
            tell(key)
            if progress is not None:
                progress.advance(len(places[key]))

        if fresh:
            pool = ThreadPoolExecutor(min(self.settings.concurrency, len(fresh)), thread_name_prefix="endpoint")
            try:
                for _ in pool.map(work, fresh.items()):
                    pass
            finally:
                # Ctrl-C must not wait for the questions that nobody has begun.
                pool.shutdown(wait=True, cancel_futures=True)
        return [found[key] for key in keys]

    def generate(
        self,
        requests: Sequence[Request],
        *,
        max_new_tokens: int,
        batch_size: int,
        progress: Progress | None = None,
    ) -> list[str]:
        """Answers as a :class:`VisionLanguageModel`; `batch_size` has no meaning here, the server batches.

        Raises :class:`ModelError` where a request got no answer: an evaluation must not take silence for a refusal.
        """
        asking = Endpoint(self.settings.model_copy(update={"max_tokens": max_new_tokens}), cache=self._cache)
        asking._opened = self._opened
        questions = [question_of(request) for request in requests]
        texts: list[str] = []
        for number, answer in enumerate(asking.ask(questions, progress=progress)):
            if isinstance(answer, Failure):
                raise ModelError(f"{self.name} gave no answer to request {number}: {answer.reason} ({answer.detail})")
            texts.append(answer.text)
        return texts

    @property
    def address(self) -> str:
        """Where it is, as it may be written down."""
        return public_url(self.settings.base_url)

    def _key(self, question: Question) -> str:
        settings = self.settings.model_dump(include={"base_url", "model", "temperature", "top_p", "max_tokens"})
        asked = {
            "prompt": question.prompt,
            "system": question.system,
            "images": [sha256_bytes(image) for image in question.images],
            "schema": question.schema and dict(question.schema),
            "seed": question.seed,
            "structured": self.settings.structured,
            "extra": self.settings.extra_body,
        }
        if question.begun:
            asked["begun"] = [self.settings.begun, question.begun]
        if self.settings.reasoning != "leave_out":
            asked["reasoning"] = self.settings.reasoning
        return sha256_bytes(canonical_json([settings, asked]).encode("utf-8", "surrogatepass"))

    def _ask(self, question: Question) -> Reply | Failure:
        import openai

        if question.begun and self.settings.begun == "refuse":
            return self._settle(Failure("begun", "the endpoint's settings do not say how it goes on with an answer"))
        failure = Failure("not asked")
        for attempt in range(self.settings.retries + 1):
            if attempt:
                with self._lock:
                    self.counts.retried += 1
            self._wait_for_slot()
            wait = min(_LONGEST_WAIT, 0.5 * 2**attempt)
            try:
                return self._settle(self._answer(question))
            except openai.APITimeoutError:
                failure = Failure("timeout", f"none within {self.settings.timeout:g} s")
            except openai.APIConnectionError as error:
                failure = Failure("no connection", f"{self.address}: {scrubbed(str(error.__cause__ or error))}")
            except openai.APIStatusError as error:
                failure = Failure(f"http {error.status_code}", _shortened(scrubbed(str(error.message))))
                if error.status_code in _HOPELESS:
                    raise ModelError(f"{self.address} answers {failure.reason}: {failure.detail}") from None
                if error.status_code not in _PASSING:
                    break
                wait = max(wait, _asked_to_wait(error.response.headers.get("retry-after")))
            except (openai.OpenAIError, ValueError) as error:  # an answer that is not of the protocol
                failure = Failure("not an answer", _shortened(scrubbed(str(error))))
            if attempt < self.settings.retries:
                time.sleep(min(wait, _LONGEST_WAIT))
        return self._settle(failure)

    def _settle(self, answer: Reply | Failure) -> Reply | Failure:
        with self._lock:
            if isinstance(answer, Failure):
                self.counts.failed[answer.reason] = self.counts.failed.get(answer.reason, 0) + 1
                self._unreached = self._unreached + 1 if answer.reason == "no connection" else 0
                if self._unreached >= _GONE:
                    raise ModelError(f"{self.name} cannot be reached: {answer.detail}")
                return answer
            self._unreached = 0
            self.counts.asked += 1
            self.counts.input_tokens += answer.input_tokens
            self.counts.output_tokens += answer.output_tokens
            if self.counts.cost is not None:
                prices = (self.settings.input_price or 0.0, self.settings.output_price or 0.0)
                self.counts.cost += (answer.input_tokens * prices[0] + answer.output_tokens * prices[1]) / 1e6
        return answer

    def _answer(self, question: Question) -> Reply | Failure:
        made: Any = self._client().chat.completions.create(**self._body(question))
        if not getattr(made, "choices", None):
            return Failure("not an answer", "no choices")
        choice = made.choices[0]
        message = choice.message
        if getattr(message, "refusal", None):
            return Failure("refused", _shortened(message.refusal))
        if choice.finish_reason == "content_filter":
            return Failure("filtered", "the service's own filter")
        text = message.content if isinstance(message.content, str) else ""
        if self.settings.reasoning == "inline" and (thought := _reasoning(message)):
            text = f"<think>\n{thought}\n</think>\n{text}"
        if not text.strip() and not question.begun:
            return Failure("empty")
        usage = made.usage
        return Reply(
            text=question.begun + text,
            model=made.model or self.name,
            cut=choice.finish_reason == "length",
            input_tokens=(usage.prompt_tokens or 0) if usage else 0,
            output_tokens=(usage.completion_tokens or 0) if usage else 0,
        )

    def _body(self, question: Question) -> dict[str, Any]:
        content: list[dict[str, Any]] = [
            {"type": "image_url", "image_url": {"url": _data_uri(image)}} for image in question.images
        ]
        content.append({"type": "text", "text": question.prompt})
        messages: list[dict[str, Any]] = [{"role": "system", "content": question.system}] if question.system else []
        messages.append({"role": "user", "content": content if question.images else question.prompt})
        extra = dict(self.settings.extra_body)
        if question.begun:
            last = {"role": "assistant", "content": question.begun}
            messages.append(last | {"prefix": True} if self.settings.begun == "prefix" else last)
            if self.settings.begun == "continue_final_message":
                extra |= {"continue_final_message": True, "add_generation_prompt": False}
        body: dict[str, Any] = {
            "model": self.settings.model,
            "messages": messages,
            "temperature": self.settings.temperature,
            "max_tokens": self.settings.max_tokens,
        }
        if self.settings.top_p is not None:
            body["top_p"] = self.settings.top_p
        if question.seed is not None:
            body["seed"] = question.seed
        if question.schema is not None and self.settings.structured == "json_schema":
            schema = {"name": "answer", "strict": True, "schema": dict(question.schema)}
            body["response_format"] = {"type": "json_schema", "json_schema": schema}
        elif question.schema is not None and self.settings.structured == "json_object":
            body["response_format"] = {"type": "json_object"}
        if extra:
            body["extra_body"] = extra
        return body

    def _client(self) -> OpenAI:
        from openai import OpenAI

        with self._lock:
            if self._opened is None:
                name = self.settings.api_key_env
                self._opened = OpenAI(
                    base_url=self.settings.base_url,
                    api_key=os.environ[name] if name is not None else "none",
                    timeout=self.settings.timeout,
                    max_retries=0,  # our own count them
                )
            return self._opened

    def _wait_for_slot(self) -> None:
        if self.settings.requests_per_minute is None:
            return
        with self._lock:
            now = time.monotonic()
            start = max(now, self._next_slot)
            self._next_slot = start + 60.0 / self.settings.requests_per_minute
        time.sleep(max(0.0, start - now))


def question_of(request: Request) -> Question:
    """A request as a question to an endpoint."""
    return Question(request.prompt, system=request.system or None, images=request.images, begun=request.begun)


def _reasoning(message: Any) -> str:
    """The reasoning that a server's parser has taken out of the text: vLLM and others name it in one of two ways."""
    for name in ("reasoning_content", "reasoning"):
        thought = getattr(message, name, None)
        if isinstance(thought, str) and thought.strip():
            return thought.strip()
    return ""


def _data_uri(image: bytes) -> str:
    return f"data:{image_type(image)};base64,{base64.b64encode(image).decode('ascii')}"


def _asked_to_wait(header: str | None) -> float:
    """The seconds of a `Retry-After` header; 0 for none, or for a date."""
    try:
        return min(_LONGEST_WAIT, max(0.0, float(header or 0)))
    except ValueError:
        return 0.0


def _to_cache(reply: Reply) -> str:
    return json.dumps([reply.text, reply.model, reply.cut, reply.input_tokens, reply.output_tokens])


def _from_cache(text: str, name: str) -> Reply:
    answer, model, cut, input_tokens, output_tokens = json.loads(text)
    return Reply(answer, model or name, True, cut, input_tokens, output_tokens)


def _shortened(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= 200 else line[:197] + "..."
