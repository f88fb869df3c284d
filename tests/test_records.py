from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from bertslim.errors import InputError
from bertslim.records import (
    ANALYSIS_FILE,
    RECORD_FILE,
    SCHEMA,
    Interval,
    LabelCount,
    LabelSummary,
    Measurement,
    Record,
    ScoreRange,
    Step,
    compare,
    read_analysis,
    read_record,
)
from bertslim.records.frozen import LARGEST
from support.example_records import EXAMPLES, cut_record, full_record, plan, training

finite = st.floats(-LARGEST, LARGEST)
scalars = st.text() | st.integers(-(2**53), 2**53) | finite | st.booleans()
json_values = st.recursive(
    st.none() | scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
intervals = st.builds(
    Interval, of=st.sampled_from(["ratio", "difference", "slim"]), low=finite, high=finite
)
measurements = st.builds(
    Measurement,
    name=st.text(),
    unit=st.text(),
    base=st.none() | finite,
    slim=st.none() | finite,
    ratio=st.none() | finite,
    interval=st.none() | intervals,
    context=st.dictionaries(st.text(), scalars, max_size=4),
)


def write(directory, text: str) -> None:
    (directory / RECORD_FILE).write_text(text, encoding="utf-8")


@pytest.mark.parametrize("example", EXAMPLES)
def test_a_record_is_read_back_as_it_was_written(example, tmp_path):
    record = EXAMPLES[example]()
    write(tmp_path, record.to_json())
    assert read_record(tmp_path) == record


@given(
    st.lists(measurements, max_size=3),
    st.dictionaries(st.text(), json_values, max_size=3),
    st.lists(st.text(), max_size=3),
    st.lists(st.builds(Step, name=st.text(), seconds=finite), max_size=3),
)
def test_any_content_survives_json(figures, recipe, notes, steps):
    record = cut_record(
        measurements=tuple(figures), recipe=recipe, notes=tuple(notes), steps=tuple(steps)
    )
    again = Record.model_validate_json(record.to_json())
    assert again == record
    assert again.to_json() == record.to_json()


def test_numbers_keep_their_type_in_a_context():
    context = {"threads": 2, "share": 2.0, "fused": True, "runtime": "2"}
    again = Measurement.model_validate_json(
        Measurement(name="latency", unit="ms", context=context).model_dump_json()
    )
    assert {key: type(value) for key, value in again.context.items()} == {
        "threads": int,
        "share": float,
        "fused": bool,
        "runtime": str,
    }


def test_the_file_says_its_schema_and_ends_in_a_line_break():
    text = cut_record().to_json()
    assert json.loads(text)["schema"] == SCHEMA
    assert text.endswith("}\n")


def test_records_do_not_change():
    record = cut_record()
    with pytest.raises(ValidationError):
        record.seed = 8
    with pytest.raises(ValidationError):
        record.plan.layers[0].before.heads = 1


def test_a_later_schema_is_refused_and_says_who_wrote_it(tmp_path):
    raw = json.loads(cut_record().to_json()) | {"schema": SCHEMA + 1, "bertslim": "9.9", "new": 1}
    write(tmp_path, json.dumps(raw))
    with pytest.raises(InputError) as caught:
        read_record(tmp_path)
    assert str(caught.value) == (
        f"{tmp_path / RECORD_FILE}: written by bertslim 9.9 with record schema {SCHEMA + 1}, "
        f"this version reads up to {SCHEMA}; update bertslim"
    )


def test_a_directory_without_a_record_is_refused(tmp_path):
    with pytest.raises(InputError, match="no bertslim record here; name a directory that"):
        read_record(tmp_path)


@pytest.mark.parametrize("text", ["", "{", '{"schema": 1', "\x00"])
def test_broken_json_is_refused(text, tmp_path):
    write(tmp_path, text)
    with pytest.raises(InputError, match="not valid JSON"):
        read_record(tmp_path)


@pytest.mark.parametrize("text", ["[]", "null", "3", "{}", '{"schema": "one"}'])
def test_json_that_is_no_record_is_refused(text, tmp_path):
    write(tmp_path, text)
    with pytest.raises(InputError, match="not a bertslim record"):
        read_record(tmp_path)


def test_what_is_wrong_with_a_record_is_said(tmp_path):
    raw = json.loads(cut_record().to_json())
    raw["environment"]["cores"] = "many"
    write(tmp_path, json.dumps(raw))
    with pytest.raises(InputError, match=r"environment\.cores") as caught:
        read_record(tmp_path)
    assert "\n" not in str(caught.value)


def test_a_file_that_is_not_text_is_refused(tmp_path):
    (tmp_path / RECORD_FILE).write_bytes(b"\xff\xfe\x00{")
    with pytest.raises(InputError):
        read_record(tmp_path)


@pytest.mark.parametrize(
    ("base", "slim", "ratio"),
    [(4.0, 3.0, 0.75), (None, 3.0, None), (4.0, None, None), (0.0, 3.0, None)],
)
def test_the_ratio_of_a_comparison(base, slim, ratio):
    figure = compare("latency", base, slim, threads=2)
    assert figure.ratio == ratio
    assert figure.context == {"threads": 2}


def test_measurements_are_found_by_name():
    shapes = [figure.context["batch"] for figure in cut_record().find("latency")]
    assert shapes == [1, 1, 8]
    assert not cut_record().find("no such figure")


def test_the_layers_of_a_slim_model():
    assert len(plan(even=True).slim_layers) == 3
    assert [layer.intermediate_size for layer in plan(even=False).slim_layers] == [1536, 0] * 3


def of_schema_1() -> dict[str, Any]:
    """A record as bertslim 0.1.0 wrote it."""
    raw = json.loads(cut_record().to_json()) | {"schema": 1}
    for key in ("report_source", "task", "text_columns", "label_columns"):
        del raw["data"][key]
    raw["data"] |= {"text_column": "text", "label_column": "queue"}
    del raw["repairs"], raw["plan"]["vocabulary"]
    for layer in raw["plan"]["layers"]:
        for side in filter(None, (layer["before"], layer["after"])):
            del side["linear_rank"], side["ffn_of"]
    return raw


def test_a_record_of_schema_1_is_read_into_the_form_of_today(tmp_path):
    write(tmp_path, json.dumps(of_schema_1()))
    found, usual = read_record(tmp_path), cut_record()
    data = usual.data.model_copy(update={"task": None})
    assert found == usual.model_copy(update={"data": data})
    assert json.loads(found.to_json())["schema"] == SCHEMA
    write(tmp_path, found.to_json())
    assert read_record(tmp_path) == found


def test_a_record_that_does_not_tell_how_labels_were_read(tmp_path):
    raw = json.loads(cut_record().to_json())
    for key in ("label_rule", "labels_as", "reading", "report_reading"):
        del raw["data"][key]
    for split in raw["data"]["splits"]:
        del split["labels"]
    write(tmp_path, json.dumps(raw))
    assert read_record(tmp_path) == cut_record()


def test_labels_in_words():
    counts = [LabelCount(name=f"n{number}", count=100 - number) for number in range(8)]
    assert LabelSummary(counts=counts[:2], of=200).in_words() == "n0 100 (50 %), n1 99 (50 %)"
    assert LabelSummary(counts=counts[:1]).in_words() == "n0 100"
    assert LabelSummary(counts=counts).in_words(2) == "n0 100, n1 99 and 6 more"
    scores = ScoreRange(low=0, mean=2.60451, high=5)
    assert LabelSummary(scores=scores).in_words() == "scores 0 to 5, mean 2.605"
    assert LabelSummary().in_words() == "none"


@pytest.mark.parametrize("data", [None, "unlabelled"])
def test_a_record_of_schema_1_without_data_or_labels(data, tmp_path):
    raw = of_schema_1()
    raw["data"] = data and raw["data"] | {"label_column": None}
    write(tmp_path, json.dumps(raw))
    found = read_record(tmp_path).data
    assert found is None if data is None else found.label_columns == ()


def test_what_is_wrong_with_a_record_of_schema_1_is_said(tmp_path):
    raw = of_schema_1()
    del raw["data"]["text_column"]
    write(tmp_path, json.dumps(raw))
    with pytest.raises(
        InputError, match=r"not a bertslim record: data\.text_columns: Field required"
    ):
        read_record(tmp_path)


def test_columns_of_schema_1_are_refused_in_a_later_record(tmp_path):
    write(tmp_path, json.dumps(of_schema_1() | {"schema": SCHEMA}))
    with pytest.raises(InputError, match="not a bertslim record: data"):
        read_record(tmp_path)


NOT_FINITE = [float("nan"), float("inf"), float("-inf")]


@pytest.mark.parametrize("value", NOT_FINITE)
def test_a_figure_that_is_not_finite_is_refused_where_it_is_measured(value):
    with pytest.raises(
        InputError, match=r"the mean squared error of the slim model is -?(nan|inf)"
    ):
        compare("accuracy.mse", 1.0, value)
    with pytest.raises(InputError, match="the latency of the base is"):
        compare("latency", value, 1.0)


@pytest.mark.parametrize("value", [*NOT_FINITE, 1e101, -1e101, 10**400])
def test_no_record_holds_what_is_not_finite_or_overflows(value):
    for fields in ({"slim": value}, {"ratio": value}, {"context": {"n": value}}):
        with pytest.raises(ValidationError):
            Measurement(name="latency", unit="ms", **fields)
    with pytest.raises(ValidationError):
        Interval(of="ratio", low=0, high=value)


@pytest.mark.parametrize(
    ("written", "what"),
    [
        ("NaN", "base is no finite number"),
        ("Infinity", "base is no finite number"),
        ("1e400", "base is no finite number"),
        ("-1e300", "base is too large a number"),
    ],
)
def test_a_record_with_such_a_figure_is_refused_by_its_place(written, what, tmp_path):
    text = cut_record(measurements=(compare("macs", 12345.5, 1.0),)).to_json()
    write(tmp_path, text.replace("12345.5", written))
    with pytest.raises(InputError) as caught:
        read_record(tmp_path)
    assert str(caught.value) == (
        f"{tmp_path / RECORD_FILE}: not a bertslim record: measurements.0: {what}"
    )


def changed(raw, *place):
    """Set what lies at a place of a tree; the last of the arguments is the value."""
    *parents, key, value = place
    for parent in parents:
        raw = raw[parent]
    raw[key] = value


@pytest.mark.parametrize(
    ("place", "what"),
    [
        (("cka", "matrices", 0, "values", []), "values: Tuple should have at least 1 item"),
        (("cka", "matrices", 0, "values", [[1], [1, 2]]), "rows of a matrix differ in length"),
        (("cka", "matrices", 0, "values", [[]]), "rows of a matrix differ in length, or are empty"),
        (("cka", "matrices", 0, "rows", "slim"), "a second model, and none is named"),
        (("probes", "points", 0, "model", "slim"), "a second model, and none is named"),
    ],
)
def test_an_analysis_that_contradicts_itself_is_refused(place, what, tmp_path):
    raw = json.loads(full_record().to_json())["analysis"] | {"slim": None}
    raw["cka"]["matrices"] = [
        matrix for matrix in raw["cka"]["matrices"] if matrix["columns"] == "base"
    ]
    raw["probes"]["points"] = [
        point for point in raw["probes"]["points"] if point["model"] == "base"
    ]
    (tmp_path / ANALYSIS_FILE).write_text(json.dumps(raw), encoding="utf-8")
    assert read_analysis(tmp_path).slim is None
    changed(raw, *place)
    (tmp_path / ANALYSIS_FILE).write_text(json.dumps(raw), encoding="utf-8")
    with pytest.raises(InputError, match="not a bertslim record") as caught:
        read_analysis(tmp_path)
    assert what in str(caught.value)


@pytest.mark.parametrize(
    ("place", "what"),
    [
        (("training", "looks", []), "training.looks: Tuple should have at least 1 item"),
        (("training", "best_step", 7), "none of the looks is that of the best step, 7"),
    ],
)
def test_a_training_without_its_best_look_is_refused(place, what, tmp_path):
    raw = json.loads(cut_record(training=training()).to_json())
    changed(raw, *place)
    write(tmp_path, json.dumps(raw))
    with pytest.raises(InputError) as caught:
        read_record(tmp_path)
    assert what in str(caught.value)


@pytest.mark.parametrize(
    "place", [("plan", "base", "parameters"), ("slim", "layers"), ("environment", "threads")]
)
def test_a_count_below_0_is_refused(place, tmp_path):
    raw = json.loads(cut_record().to_json())
    changed(raw, *place, -1)
    write(tmp_path, json.dumps(raw))
    with pytest.raises(InputError, match=rf"{place[0]}.*{place[-1]}: Input should be greater than"):
        read_record(tmp_path)


def test_a_record_nested_without_end_is_no_json(tmp_path):
    write(tmp_path, '{"recipe": ' + "[" * 100_000)
    with pytest.raises(InputError, match="not valid JSON; write the result again"):
        read_record(tmp_path)
