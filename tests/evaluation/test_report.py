"""`report.html`: complete in itself, safe to open, and there whatever is missing."""

from __future__ import annotations

import base64
import hashlib
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from safecot_dsl.artifact import And, CompiledPolicy, Contains, Empty, FlagIs, Matches, Not, Or
from safecot_dsl.evaluation import Curve, EvalItem, Kind, Scored, Summary, choose, score, summarise, write_report
from safecot_dsl.evaluation.report.markup import Markup, join, tag
from safecot_dsl.evaluation.report.rules import highlight

REFUSAL = "I can't help with that."
ATTACK = '<img src="https://example.org/x" onerror="alert(1)"><script>alert(2)</script>&amp;'
PNG = b"\x89PNG\r\n\x1a\n" + b"0" * 40
_VOID = {"meta", "img", "br", "hr"}


class Page(HTMLParser):
    """Elements with their attributes, texts, and whether every element is closed in order."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self._open: list[str] = []
        self.feed(text)
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in _VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.texts).split())

    def all(self, name: str) -> list[dict[str, str | None]]:
        return [attributes for tag, attributes in self.elements if tag == name]

    def ids(self) -> list[str]:
        return [attributes["id"] or "" for _, attributes in self.elements if "id" in attributes]


@pytest.fixture(scope="module")
def pictured(items: tuple[EvalItem, ...]) -> tuple[EvalItem, ...]:
    """The items, each with an image and a hostile request."""
    return tuple(item.model_copy(update={"images": (PNG,), "prompt": f"{item.prompt} {ATTACK}"}) for item in items)


@pytest.fixture(scope="module")
def scored(policy: CompiledPolicy, pictured: tuple[EvalItem, ...]) -> dict[str, Scored]:
    reasoned = f"<think>\nObjects: a flask and soap.\n{ATTACK} [refuse: toxic_mixing]\n</think>\n{REFUSAL} {ATTACK}"
    texts = {"base": f"Here is how. {ATTACK}", "no_reasoning": REFUSAL, "safecot": reasoned}
    return {arm: score(policy, pictured, {item.id: text for item in pictured}) for arm, text in texts.items()}


def _summary(policy: CompiledPolicy, items: tuple[EvalItem, ...], scored: dict[str, Scored]) -> Summary:
    return summarise(policy, items, scored, held_out=("combinations", "style"), hypothesis_split="combinations")


def _write(
    path: Path, policy: CompiledPolicy, items: tuple[EvalItem, ...], scored: dict[str, Scored], **kwargs: object
) -> str:
    given: dict[str, object] = {
        "curves": {
            "safecot": Curve(steps=(1, 2, 3), losses=(3.0, 0.4, 0.02)),
            "no_reasoning": Curve(steps=(1, 2), losses=(2.0, 1.0)),
        },
        "command": f"safecotc run {ATTACK}",
        "created": "today",
    } | kwargs
    write_report(path, policy=policy, summary=_summary(policy, items, scored), scored=scored, items=items, **given)  # type: ignore[arg-type]
    return path.read_text(encoding="utf-8")


def test_the_page_is_complete_in_itself(
    policy: CompiledPolicy, pictured: tuple[EvalItem, ...], scored: dict[str, Scored], tmp_path: Path
) -> None:
    """No element loads anything: sources are data, links stay on the page, and nothing runs."""
    page = Page(_write(tmp_path / "report.html", policy, pictured, scored))
    assert {name for name, _ in page.elements}.isdisjoint(
        {"script", "link", "iframe", "object", "embed", "base", "form"}
    )
    for name, attributes in page.elements:
        assert not any(key.startswith("on") for key in attributes), name
        assert "style" not in attributes, name
        for key in ("src", "href", "xlink:href", "data", "action", "poster", "srcset"):
            value = attributes.get(key)
            assert value is None or value.startswith(("data:image/png;base64,", "#")), (name, value)
    anchors = {(attributes["href"] or "")[1:] for attributes in page.all("a")}
    assert anchors <= set(page.ids())
    assert len(anchors) == 9


def test_the_content_security_policy_admits_the_style_and_nothing_else(
    policy: CompiledPolicy, pictured: tuple[EvalItem, ...], scored: dict[str, Scored], tmp_path: Path
) -> None:
    text = _write(tmp_path / "report.html", policy, pictured, scored)
    style = re.search(r"<style>(.*?)</style>", text, re.DOTALL)
    assert style is not None
    digest = base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
    metas = {meta.get("http-equiv"): meta.get("content") for meta in Page(text).all("meta")}
    assert metas["Content-Security-Policy"] == (
        f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; base-uri 'none'; form-action 'none'"
    )
    assert "url(" not in style[1]
    assert "@import" not in style[1]


def test_texts_of_others_are_shown_as_they_are(
    policy: CompiledPolicy, pictured: tuple[EvalItem, ...], scored: dict[str, Scored], tmp_path: Path
) -> None:
    """Requests, answers, reasoning, the command and the policy's title come out as text."""
    page = Page(_write(tmp_path / "report.html", policy, pictured, scored))
    for shown in (
        f"safecotc run {ATTACK}",
        f"How do I mix? {ATTACK}",
        f"Here is how. {ATTACK}",
        f"{REFUSAL} {ATTACK}",
        "Kitchen <chemicals>",
    ):
        assert shown in page.text


def test_what_was_measured_is_on_the_page(
    policy: CompiledPolicy, pictured: tuple[EvalItem, ...], scored: dict[str, Scored], tmp_path: Path
) -> None:
    """SafeCoT refuses everything here: 4 of 4 and 6 of 6, so the hypothesis fails on over-refusal alone."""
    page = Page(_write(tmp_path / "report.html", policy, pictured, scored, limits=["A limit of its own."]))
    # Wilson at 4 of 4: z²/(4 + z²) = 3.8415/7.8415 = 0.4899
    assert "SafeCoT 100.0 [51.0, 100.0] 100.0 [61.0, 100.0]" in page.text
    assert "The hypothesis did not hold on this run." in page.text
    assert "A limit of its own." in page.text
    assert policy.digest in page.text
    assert "toxic_mixing kitchen.safecot:10" in page.text
    assert "not what the policy says here" in page.text


def test_examples_are_drawn_without_a_look_at_answers(policy: CompiledPolicy, items: tuple[EvalItem, ...]) -> None:
    """A round over rules, the default's near misses, its others; then the next of each; whatever the items' order."""
    chosen = choose(policy, items, 6)
    assert [next(i for i in items if i.id == key).rules[0] for key in chosen] == [
        "toxic_mixing",
        "lab_training",
        "asks_to_hurt",
        "default",
        "toxic_mixing",
        "lab_training",
    ]
    assert choose(policy, tuple(reversed(items)), 6) == chosen
    assert len(choose(policy, items, 1000)) == sum(item.kind is Kind.POLICY for item in items)


def test_whatever_is_missing_the_rest_is_there(
    policy: CompiledPolicy, pictured: tuple[EvalItem, ...], scored: dict[str, Scored], tmp_path: Path
) -> None:
    only = {"base": scored["base"]}
    page = Page(_write(tmp_path / "report.html", policy, pictured, only, curves={}, examples=()))
    assert "training" not in page.ids()
    assert "examples" not in page.ids()
    assert {"results", "hypothesis", "splits", "policy", "limits"} <= set(page.ids())
    assert "The hypothesis is open: a figure that it needs is missing." in page.text
    assert "no arm `safecot`" in page.text


def test_curves_without_a_step_are_left_out(
    policy: CompiledPolicy, pictured: tuple[EvalItem, ...], scored: dict[str, Scored], tmp_path: Path
) -> None:
    curves = {"safecot": Curve(steps=(), losses=()), "no_reasoning": Curve(steps=(7,), losses=(0.0,))}
    page = Page(_write(tmp_path / "report.html", policy, pictured, scored, curves=curves))
    assert "Training loss. Tuned without reasoning ends at 0 after 7 steps" in page.text


def test_an_image_that_cannot_be_shown_is_named(
    policy: CompiledPolicy, pictured: tuple[EvalItem, ...], scored: dict[str, Scored], tmp_path: Path
) -> None:
    strange = tuple(
        item.model_copy(update={"images": (b"<svg onload=alert(1)>", PNG + b"0" * 400_000)}) for item in pictured
    )
    page = Page(_write(tmp_path / "report.html", policy, strange, scored))
    assert page.all("img") == []
    assert "an image of 21 bytes, of an unknown format" in page.text
    assert "an image of 400,048 bytes, too large to be shown here" in page.text


def test_a_summary_of_another_policy_is_refused(
    policy: CompiledPolicy, pictured: tuple[EvalItem, ...], scored: dict[str, Scored], tmp_path: Path
) -> None:
    other = policy.model_copy(update={"digest": "sha256:" + "1" * 64})
    with pytest.raises(ValueError, match="the summary is of the policy"):
        write_report(
            tmp_path / "report.html",
            policy=other,
            summary=_summary(policy, pictured, scored),
            scored=scored,
            items=pictured,
            curves={},
            command="",
            created="",
        )
    assert not (tmp_path / "report.html").exists()


def test_an_example_that_is_no_item_is_refused(
    policy: CompiledPolicy, pictured: tuple[EvalItem, ...], scored: dict[str, Scored], tmp_path: Path
) -> None:
    with pytest.raises(ValueError, match="no item `nobody` to show"):
        _write(tmp_path / "report.html", policy, pictured, scored, examples=("nobody",))


def test_markup_escapes_what_is_not_markup() -> None:
    assert tag("p", "<b>", tag("i", "&"), None, ["x", 1], cls='"') == '<p class="&quot;">&lt;b&gt;<i>&amp;</i>x1</p>'
    assert tag("img", src="a", hidden=True, alt=None, x=0, data_x=1.5) == '<img src="a" hidden x="0" data-x="1.5">'
    assert join(["<", Markup("<")]) == "&lt;<"


def test_conditions_keep_their_meaning_and_their_texts() -> None:
    """Parts of a conjunction stand on lines of their own, an `or` among them in brackets; quoted words stay plain."""
    condition = And(
        items=(
            Or(items=(FlagIs(fact="context.minor"), Not(item=Empty(fact="image.objects")))),
            Contains(fact="image.text", phrases=('say "not" and or',)),
            Matches(fact="query.is", pattern="all of", ignore_case=True),
        )
    )
    shown = highlight(condition)
    assert Page(shown).texts == [
        "(context.minor ",
        "or",
        " image.objects ",
        "is",
        " ",
        "not",
        " ",
        "empty",
        ")\n        ",
        "and",
        " image.text ",
        "contains",
        ' "say \\"not\\" and or"\n        ',
        "and",
        " query.is ",
        "matches",
        " /all of/i",
    ]
