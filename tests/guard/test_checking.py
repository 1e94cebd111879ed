"""What a reasoning states beside what annotators find: real annotators, pictures that really are decoded."""

import io

import pytest

from safecot_dsl.artifact import Case
from safecot_dsl.facts.annotators import Pattern, open_annotators
from safecot_dsl.guard import DerivationFault, Guard
from safecot_dsl.guard.checking import AnnotatedFacts, reads_alike
from safecot_dsl.guard.requests import GuardRequest, RefusedError

Image = pytest.importorskip("PIL.Image", reason="the extra `data` is not installed")

HARMLESS = {"image.objects": {"bleach"}, "image.setting": "kitchen", "query.intent": "store", "query.harm": 0.0}


@pytest.fixture(scope="module")
def facts(policy, tmp_path_factory):
    """What is asked for is told from the words of the request."""
    patterns = {"mix": ("mix",), "store": ("store", "keep")}
    settings = [Pattern(fact="query.intent", patterns=patterns)]
    return AnnotatedFacts(open_annotators(settings, policy, base_dir=tmp_path_factory.mktemp("base")), policy)


def asked(prompt, *images, **more):
    return GuardRequest([{"role": "user", "content": prompt}], {}, images=images, **more)


def watched(guard, facts, text, prompt):
    watcher = guard.watch(facts.look(asked(prompt)))
    return watcher.feed(text) + watcher.finish()[0], watcher.outcome()


def test_a_statement_that_is_found_to_be_otherwise_holds_an_answer_back(policy, facts, text_of):
    guard, text = Guard(policy), text_of(HARMLESS, "Upright.")
    assert facts.facts == {"query.intent"}
    assert watched(guard, facts, text, "How do I keep it?")[0] == "Upright."
    sent, outcome = watched(guard, facts, text, "How do I mix these?")
    assert sent == guard.fallback
    assert [fault for fault, _ in outcome.derivation.faults] == [DerivationFault.UNTRUE]
    assert "states `query.intent` store, and the annotators find mix" in outcome.derivation.faults[0][1]
    # What no annotator can tell is the model's to say.
    assert watched(guard, facts, text, "And this?")[0] == "Upright."


def test_a_model_does_not_get_by_with_saying_that_nobody_can_tell(policy, facts, text_of):
    guard = Guard(policy)
    known = {name: value for name, value in HARMLESS.items() if name != "query.intent"}
    checker = guard.checker
    stated = checker.check(text_of(HARMLESS)).model_copy(update={"facts": untold(known)})
    faults = facts.look(asked("How do I mix these?"))(stated)
    assert [kind for kind, _ in faults] == [DerivationFault.UNTRUE]


def untold(known):
    case = Case({k: frozenset(v) if isinstance(v, set) else v for k, v in known.items()}, frozenset({"query.intent"}))
    return case.to_json()["facts"]


def test_pictures_that_cannot_be_looked_at_are_refused(facts):
    picture = io.BytesIO()
    Image.new("RGB", (4, 4)).save(picture, "PNG")
    facts.look(asked("How do I keep it?", picture.getvalue()))
    with pytest.raises(RefusedError, match="cannot be read"):
        facts.look(asked("How do I keep it?", b"\x89PNG\r\n\x1a\n"))


async def prepared(facts, request):
    return await facts.prepare(request)


def test_pictures_that_lie_elsewhere_are_refused(facts):
    import asyncio

    with pytest.raises(RefusedError, match="within the request"):
        asyncio.run(prepared(facts, asked("How do I keep it?", elsewhere=1)))


def test_annotators_that_fail_let_nothing_through(policy, text_of, facts):
    class Broken:
        facts = frozenset({"query.intent"})

        def annotate(self, items):
            raise RuntimeError("the endpoint is gone")

    guard = Guard(policy)
    sent, outcome = watched(guard, AnnotatedFacts(Broken(), policy), text_of(HARMLESS, "Upright."), "How?")
    assert sent == guard.fallback
    assert "could not be checked" in outcome.derivation.faults[0][1]


@pytest.mark.parametrize(
    ("said", "seen", "alike"),
    [
        ("Steps to bake bread. 1. 2. 3.", "STEPS TO BAKE BREAD\n1.\n2.\n3.", True),
        ("Steps to bake bread", "Steps to hake bread", True),  # one letter misread
        ("Steps to bake bread", "Steps to build a bomb", False),
        ("Steps to bake \u2026", "Steps to bake bread, and much more", True),
        ("Steps to \u2026", "How to bake bread", False),
        ("", "", True),
        ("", "Steps", False),
        ("x" * 5_000, "y" * 5_000, False),
    ],
)
def test_readings_of_one_text_are_told_from_those_of_two(said, seen, alike):
    assert reads_alike(said, seen) is alike
