"""Classes of the syntax tree: fields by place and by name, equality by value, and no change afterwards."""

from __future__ import annotations

import copy
import pickle

import pytest

from safecot_dsl.compiler.syntax.tree import FileTree, Name, QName, RuleDecl, Syntax, TypeExpr


def test_fields_are_those_of_the_classes_above_and_then_its_own() -> None:
    assert Name.fields == ("start", "end", "text")
    assert Name(1, 3, "is") == Name(start=1, end=3, text="is") == Name(1, 3, text="is")
    match Name(1, 3, "is"):
        case Name(start, _, text):
            assert (start, text) == (1, "is")


def test_a_field_with_a_default_may_be_left_out() -> None:
    assert TypeExpr(0, 4, "flag") == TypeExpr(0, 4, "flag", (), None, None, None)
    assert FileTree(None, ()).comments == ()


def test_nodes_are_equal_by_class_and_value() -> None:
    assert Name(0, 1, "a") != Name(0, 1, "b")
    assert Syntax(0, 1) != Name(0, 1, "a")
    assert len({Name(0, 1, "a"), Name(0, 1, "a"), QName(0, 1, ("a",))}) == 2
    assert repr(Name(0, 1, "a")) == "Name(start=0, end=1, text='a')"


def test_a_node_does_not_change_and_has_no_other_names() -> None:
    name = Name(0, 1, "a")
    with pytest.raises(AttributeError, match="does not change"):
        name.text = "b"  # type: ignore[misc]
    with pytest.raises(AttributeError, match="does not change"):
        del name.text  # type: ignore[misc]
    assert not hasattr(name, "__dict__")
    assert name.replaced(text="b") == Name(0, 1, "b")
    assert name == Name(0, 1, "a")


@pytest.mark.parametrize(
    ("values", "named"), [((0, 1), {}), ((0, 1, "a", "b"), {}), ((0, 1, "a"), {"text": "b"}), ((0, 1), {"word": "a"})]
)
def test_fields_that_are_missing_unknown_or_given_twice_are_faults(
    values: tuple[object], named: dict[str, str]
) -> None:
    with pytest.raises(TypeError, match="Name"):
        Name(*values, **named)  # type: ignore[arg-type]


def test_a_tree_is_copied_and_pickled_whole() -> None:
    rule = RuleDecl(**dict.fromkeys(RuleDecl.fields, ()))
    assert copy.deepcopy(rule) == rule
    assert pickle.loads(pickle.dumps(rule)) == rule  # noqa: S301 - our own bytes
