"""What comes with a model and never ends is stopped, and named."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from safecot_dsl.models.chat import _check_template  # pyright: ignore[reportPrivateUsage]
from safecot_dsl.models.folder import ModelError, check_adapter_folder
from safecot_dsl.models.limited import RanOutError, limited
from safecot_dsl.models.patterns import adapter_pattern_problem, pattern_problem


def _for_ever() -> None:
    while True:
        try:
            while True:
                pass
        except Exception:
            pass


def test_a_call_that_never_ends_is_stopped() -> None:
    before = time.monotonic()
    for _ in range(2):
        with pytest.raises(RanOutError, match=r"longer than 0\.2 seconds"):
            limited(_for_ever, 0.2)
    assert time.monotonic() - before < 20
    assert limited(lambda: 7, 5) == 7


def test_what_a_call_raises_comes_through() -> None:
    with pytest.raises(ZeroDivisionError):
        limited(lambda: 1 // 0, 5)


@pytest.mark.parametrize(
    "pattern",
    [
        r"model\.language\..*\.(?:q_proj|v_proj)",
        r"(?:a\.b|a\.c)|model\.vision\..*\.(?:fc1|fc2)",
        r".*decoder.*(SelfAttention|EncDecAttention).*(q|v)$",
        r"layers\.[0-9]+\.[^]a]{2}",
    ],
)
def test_patterns_that_peoples_adapters_have(pattern: str) -> None:
    assert pattern_problem(pattern) is None


@pytest.mark.parametrize(
    ("pattern", "problem"),
    [
        (r"(a+)+$", "repeats what repeats or chooses itself"),
        (r"(?:a|aa)*b", "repeats what repeats or chooses itself"),
        (r"(?:(?:x?){30}x){2}", "repeats what repeats or chooses itself"),
        (r"a?" * 30 + "a" * 30, "repeats 30 parts one after the other"),
        (r".*.*.*.*=", "repeats 4 parts"),
        (r"(.*)\1", "looks back"),
        (r"(?=a)b", "is more than a group"),
        (r"(?i)x", "is more than a group"),
        ("(" * 9999, "nested too deeply"),
        ("a" * 300_000, "300,000 characters"),
        ("(a", "leaves a group open"),
        ("a)", "closes a group"),
    ],
)
def test_patterns_that_may_never_end(pattern: str, problem: str) -> None:
    assert problem in (pattern_problem(pattern) or "")


def test_wherever_an_adapter_holds_them(tmp_path: Path) -> None:
    (tmp_path / "adapter_model.safetensors").write_bytes(b"")
    for settings in (
        {"target_modules": "(a+)+$"},
        {"exclude_modules": "(a+)+$"},
        {"layers_pattern": ["layers", "(a+)+$"]},
        {"rank_pattern": {"(a+)+$": 4}},
        {"alpha_pattern": {"(a+)+$": 4}},
    ):
        (tmp_path / "adapter_config.json").write_text(json.dumps(settings))
        with pytest.raises(
            ModelError, match=rf"`{next(iter(settings))}` is the pattern '\(a\+\)\+\$', which repeats what"
        ):
            check_adapter_folder(tmp_path)
    assert adapter_pattern_problem({"target_modules": ["q_proj"], "rank_pattern": {}, "exclude_modules": None}) is None


@pytest.mark.parametrize(
    ("template", "refused"),
    [
        ("{{ 9 ** 9 }}", True),
        ("{%- set x = 'a}}' ~ 9**9 -%}", True),
        (r"""**bold** {{ '**' }} {% set x = "a**\"**" %}{# 9 ** 9 #} **""", False),
    ],
)
def test_powers_are_found_in_code_alone(template: str, refused: bool) -> None:
    if refused:
        with pytest.raises(ModelError, match="raises numbers to powers"):
            _check_template({"default": template})
    else:
        _check_template(template)


@pytest.mark.parametrize(
    ("template", "message"),
    [
        ("{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}", "it does not end"),
        ("{% macro f() %}{% for a in range(9999) %}{{ f() }}{% endfor %}{% endmacro %}{{ f() }}", None),
        ("{{ 9 ** 9 ** 9 }}", "raises numbers to powers"),
    ],
)
def test_a_chat_template_that_never_ends(
    idefics3: Path, monkeypatch: pytest.MonkeyPatch, template: str, message: str | None
) -> None:
    from safecot_dsl.models import Request, chat
    from safecot_dsl.models.local import load_chat

    monkeypatch.setattr(chat, "_TEMPLATE_SECONDS", 0.5)
    loaded = load_chat(str(idefics3))
    loaded.processor.chat_template = template
    before = time.monotonic()
    # A macro that calls itself ends in Python's own limit.
    with pytest.raises(ModelError if message else RecursionError, match=message):
        chat.Chat(loaded.processor, loaded.stop_ids).write(Request("what is it ?"))
    assert time.monotonic() - before < 20
