"""What an operator decides of a guard."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, field_validator

from safecot_dsl.artifact.base import Frozen
from safecot_dsl.guard.requests import SAMPLING
from safecot_dsl.render.style import Lookups, PartsTold, Reasoning
from safecot_dsl.storage.secrets import Address

_Seconds = Annotated[float, Field(gt=0, le=86_400)]


class GuardSettings(Frozen):
    """Where the model is served, what its users are shown, and how much the guard takes on at once."""

    base_url: Address = Field(description="The model's server, such as http://localhost:8000/v1.")
    model: str = Field(min_length=1, description="The model to ask, whatever a request names.")
    api_key_env: str | None = Field(default=None, description="The environment variable with the server's key.")
    send: dict[str, Any] = Field(
        default_factory=dict, description="Further fields of what the model's server is sent, the operator's own."
    )
    image_hosts: frozenset[str] = Field(
        default=frozenset(), description="Hosts, HOST or HOST:PORT, from which the model's server may fetch pictures."
    )
    reasoning: Literal["hide", "field", "inline"] = Field(
        default="hide",
        description="Where a checked reasoning goes: nowhere, into `reasoning_content`, or before the answer.",
    )
    policy_prompt: bool = Field(
        default=False, description="Put the policy into the system turn, for models that were taught to read it."
    )
    weigh: int = Field(
        default=3, ge=0, description="Of the rules in question that do not apply, so many stand in the model's texts."
    )
    lookups: Lookups = Field(
        default=Lookups.THINGS, description="How the model's texts say what belongs to a group: as its recipe has it."
    )
    kinds: bool = Field(
        default=False, description="Whether the model's texts say what each thing seen counts as when it is seen."
    )
    again: bool = Field(
        default=False, description="Whether the model's texts say what was stated again where it settles a rule."
    )
    parts: PartsTold = Field(
        default=PartsTold.FAILING,
        description="What the model's texts say of an `and` that fails: as its recipe has it.",
    )
    own_words: bool = Field(
        default=False,
        description="Let reasons be in other words than the policy's, as a model wrote them.",
    )
    log_text: bool = Field(default=False, description="Keep the model's text in the log, not only what became of it.")
    timeout: _Seconds = Field(default=300.0, description="Seconds for an answer of the model, to its end.")
    body_timeout: _Seconds = Field(default=30.0, description="Seconds for a request to arrive, its head and its body.")
    max_body: int = Field(default=32 << 20, ge=1, description="Bytes of a request, the pictures in it included.")
    max_requests: int = Field(default=256, ge=1, description="Requests that are answered at once.")
    max_connections: int = Field(default=480, ge=1, description="Connections of clients at once.")

    @field_validator("image_hosts", mode="after")
    @classmethod
    def _lower(cls, hosts: frozenset[str]) -> frozenset[str]:
        for host in hosts:
            if not host or not host.isascii() or any(sign in host for sign in "/@ \\*"):
                raise ValueError(f"`{host}` is no host: write images.example.org, or images.example.org:8080")
        return frozenset(host.lower() for host in hosts)

    @field_validator("send", mode="after")
    @classmethod
    def _free(cls, send: dict[str, Any]) -> dict[str, Any]:
        for name in send:
            if name in ("messages", "model", "stream", "stream_options", "n"):
                raise ValueError(f"`{name}` is the guard's to send")
        return send

    @property
    def taught(self) -> Reasoning:
        """How the model's texts are written: the recipe's `reasoning`."""
        return Reasoning(weigh=self.weigh, lookups=self.lookups, kinds=self.kinds, again=self.again, parts=self.parts)

    def body(self, messages: list[dict[str, Any]], sampling: dict[str, Any], *, stream: bool) -> dict[str, Any]:
        """What the model's server is sent. Where the operator has said how to sample, a client's own wish gives way."""
        assert all(name in SAMPLING for name in sampling)
        body = {"model": self.model, "messages": messages, **sampling, **self.send, "stream": stream}
        return {**body, "stream_options": {"include_usage": True}} if stream else body
