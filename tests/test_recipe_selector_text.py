"""The layer selector language: what it reads, what it selects, and what it says when it cannot."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bertslim.recipe.selector_text import FORMS, SelectorError, parse

counts = st.one_of(st.integers(1, 12).map(str), st.just("half"))
numbers = st.integers(0, 40)
terms = st.one_of(
    st.sampled_from(["odd", "even", "all"]),
    st.tuples(st.sampled_from(["first", "last", "middle", "least_important"]), counts).map(
        " ".join
    ),
    st.integers(1, 12).map("every {}".format),
    st.tuples(numbers, numbers).map(lambda pair: f"{min(pair)}-{max(pair)}"),
    st.integers(-12, 40).map(str),
)
texts = st.recursive(
    terms,
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=4).map(lambda items: f"[{', '.join(items)}]"),
        st.lists(inner, min_size=2, max_size=3).map(" except ".join),
    ),
    max_leaves=6,
)
values = st.one_of(
    texts,
    st.integers(-12, 40),
    st.lists(st.one_of(st.integers(-12, 40), texts), min_size=1, max_size=5),
)
depths = st.integers(2, 24)


@given(values)
def test_str_and_plain_read_back_as_the_same_selector(value):
    selector = parse(value)
    assert parse(str(selector)) == selector
    assert parse(selector.plain()) == selector
    assert str(parse(str(selector))) == str(selector)


@given(values, depths, st.data())
def test_resolve_is_sorted_unique_and_in_range_or_an_error(value, depth, data):
    importance = data.draw(st.lists(st.floats(0, 1), min_size=depth, max_size=depth))
    try:
        layers = parse(value).resolve(depth, importance)
    except SelectorError:
        return
    assert layers
    assert list(layers) == sorted(set(layers))
    assert set(layers) <= set(range(depth))


@given(terms, terms, depths)
def test_except_is_set_difference_and_a_list_is_union(left, right, depth):
    importance = [float(layer % 5) for layer in range(depth)]
    try:
        a, b = (set(parse(text).resolve(depth, importance)) for text in (left, right))
    except SelectorError:
        return
    assert set(parse([left, right]).resolve(depth, importance)) == a | b
    difference = parse(f"{left} except {right}")
    if a - b:
        assert set(difference.resolve(depth, importance)) == a - b
    else:
        with pytest.raises(SelectorError, match="selects no layer"):
            difference.resolve(depth, importance)


@given(depths)
def test_odd_and_even_part_the_model(depth):
    odd, even = parse("odd").resolve(depth), parse("even").resolve(depth)
    assert sorted(odd + even) == list(parse("all").resolve(depth)) == list(range(depth))
    assert all(layer % 2 for layer in odd)
    assert not any(layer % 2 for layer in even)


@given(depths)
def test_first_and_last_half_do_not_overlap(depth):
    first, last = parse("first half").resolve(depth), parse("last half").resolve(depth)
    assert len(first) == len(last) == depth // 2
    assert first[0] == 0
    assert last[-1] == depth - 1
    assert not set(first) & set(last)


@given(st.text(max_size=60))
def test_any_text_is_read_or_refused(text):
    try:
        selector = parse(text)
    except SelectorError:
        return
    assert parse(str(selector)) == selector


@pytest.mark.parametrize(
    ("selector", "layers"),
    [
        ("odd", (1, 3, 5)),
        ("even", (0, 2, 4)),
        ("all", (0, 1, 2, 3, 4, 5)),
        ("first 2", (0, 1)),
        ("last 2", (4, 5)),
        ("middle 2", (2, 3)),
        ("middle 3", (1, 2, 3)),
        ("middle half", (1, 2, 3)),
        ("last half", (3, 4, 5)),
        ("every 1", (0, 1, 2, 3, 4, 5)),
        ("every 4", (0, 4)),
        ("every 9", (0,)),
        ("2-4", (2, 3, 4)),
        ("2 - 4", (2, 3, 4)),
        ("3-3", (3,)),
        (0, (0,)),
        (-1, (5,)),
        (-6, (0,)),
        ("-2", (4,)),
        ([5, 1, 1, -1], (1, 5)),
        (["odd", 0, "4-5"], (0, 1, 3, 4, 5)),
        ("[odd, 0]", (0, 1, 3, 5)),
        ("all except every 3", (1, 2, 4, 5)),
        ("odd except last 1", (1, 3)),
        ("all except [0, -1]", (1, 2, 3, 4)),
        ("all except odd except 4", (0, 2)),
        (["all except 0 except 1", "0"], (0, 2, 3, 4, 5)),
        ("  all \n except   odd ", (0, 2, 4)),
    ],
)
def test_layers_of_a_model_of_six(selector, layers):
    assert parse(selector).resolve(6) == layers


def test_least_important_follows_importance_and_takes_the_lower_of_equals():
    importance = [0.5, 0.1, 0.9, 0.1, 0.1, 0.2]
    assert parse("least_important 2").resolve(6, importance) == (1, 3)
    assert parse("least_important half").resolve(6, importance) == (1, 3, 4)
    assert parse("all except least_important 4").resolve(6, importance) == (0, 2)


def test_importance_of_another_depth_is_refused():
    with pytest.raises(ValueError, match="5 importances for 6 layers"):
        parse("odd").resolve(6, [0.0] * 5)


@pytest.mark.parametrize(
    ("selector", "message"),
    [
        (99, "layer 99 does not exist: the model has layers 0 to 5"),
        (-7, "layer -7 does not exist: the model has layers 0 to 5, from the top -1 to -6"),
        ("4-6", "layer 6 does not exist: the model has layers 0 to 5"),
        ([1, 6], "layer 6 does not exist: the model has layers 0 to 5"),
        ("all except 6", "layer 6 does not exist: the model has layers 0 to 5"),
        ("first 9", "'first 9' asks for too many layers: the model has 6"),
        (
            "all except all",
            "'all except all' selects no layer: the model has layers 0 to 5",
        ),
        (
            "least_important 2",
            "'least_important 2' is measured on data; give --data and leave --dry-run out, or name "
            "the layers",
        ),
    ],
)
def test_what_does_not_fit_a_model_of_six(selector, message):
    with pytest.raises(SelectorError) as caught:
        parse(selector).resolve(6)
    assert str(caught.value) == message


@pytest.mark.parametrize("selector", [10**4000, "last " + "9" * 3000, ["odd"] * 5000 + [6]])
def test_messages_about_what_does_not_fit_stay_short(selector):
    with pytest.raises(SelectorError) as caught:
        parse(selector).resolve(6)
    assert len(str(caught.value)) < 200


@pytest.mark.parametrize("selector", ["odd", "first half", "last half", "middle half"])
def test_what_a_model_of_one_layer_lacks(selector):
    with pytest.raises(SelectorError, match="selects no layer: the model has layer 0 only"):
        parse(selector).resolve(1)


def test_a_model_without_layers_has_none_to_select():
    with pytest.raises(SelectorError, match="layer 0 does not exist: the model has no layers"):
        parse(0).resolve(0)


@pytest.mark.parametrize(
    ("selector", "message"),
    [
        ("ood", "'ood' is no layer selector; did you mean 'odd'?"),
        ("Odd", "'Odd' is no layer selector; did you mean 'odd'?"),
        ("fisrt 3", "'fisrt 3' is no layer selector; did you mean 'first 3'?"),
        ("evry 2", "'evry 2' is no layer selector; did you mean 'every 2'?"),
        ("every3", "'every3' is no layer selector; did you mean 'every 3'?"),
        ("top 2", "'top 2' is no layer selector; did you mean 'last 2'?"),
        ("upper hlaf", "'upper hlaf' is no layer selector; did you mean 'last half'?"),
        (
            "least important 4",
            "'least important 4' is no layer selector; did you mean 'least_important 4'?",
        ),
        ("all excpet 3", "'all excpet 3' is no layer selector; did you mean 'all except 3'?"),
        ("all except ood", "'ood' is no layer selector; did you mean 'odd'?"),
        ("1, 3, 5", "'1, 3, 5' is no layer selector; did you mean '[1, 3, 5]'?"),
        ("7-2", "'7-2' runs backwards; did you mean '2-7'?"),
        ("every 0", "'every 0' has no meaning: the step must be 1 or more"),
        ("first 0", "'first 0' selects no layer"),
        ([], "an empty list selects no layer"),
    ],
)
def test_what_cannot_be_read(selector, message):
    with pytest.raises(SelectorError) as caught:
        parse(selector)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("selector", "shown"),
    [
        ("banana", "'banana'"),
        ("", "''"),
        ("first -1", "'first -1'"),
        ("[1, 2", "'[1, 2'"),
        ("[1, ]", "''"),
        ("1 2", "'1 2'"),
        ("every half", "'every half'"),
        ("first ２", "'first ２'"),
        (True, "true"),
        (None, "an empty value"),
        (1.0, "1.0"),
        ({"first": 2}, "a mapping"),
        ([[1, 2]], "a list"),
        ("\x1b[31m", "'\\x1b[31m'"),
    ],
)
def test_what_is_like_nothing_names_every_form(selector, shown):
    with pytest.raises(SelectorError) as caught:
        parse(selector)
    message = str(caught.value)
    assert message.startswith(f"{shown} is no layer selector; write one of ")
    assert all(f"'{form}'" in message for form in FORMS)


def test_every_wrong_item_of_a_list_is_named():
    with pytest.raises(SelectorError) as caught:
        parse([1, "ood", "7-2", "even"])
    assert caught.value.items == {
        1: "'ood' is no layer selector; did you mean 'odd'?",
        2: "'7-2' runs backwards; did you mean '2-7'?",
    }


@pytest.mark.parametrize("text", ["[" * 1500 + "1" + "]" * 1500, "9" * 5000, "[" * 3999])
def test_text_that_is_out_of_all_measure_is_refused(text):
    with pytest.raises(SelectorError, match="is no layer selector"):
        parse(text)


def test_every_wrong_layer_of_a_list_is_named():
    with pytest.raises(SelectorError) as caught:
        parse([99, 1, -7]).resolve(6)
    assert str(caught.value) == (
        "layer 99 does not exist: the model has layers 0 to 5; "
        "layer -7 does not exist: the model has layers 0 to 5, from the top -1 to -6"
    )
