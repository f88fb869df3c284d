from __future__ import annotations

from bertslim.records import compare
from bertslim.report.measurement_tables import before_and_after, latencies, quality
from support.example_records import (
    HELD_FIXED,
    accuracy,
    cut_record,
    latency,
    retrain_record,
    unlabelled_record,
    worse_record,
)


def test_before_and_after_in_human_units():
    table = before_and_after(cut_record())
    assert table.headers == ("figure", "base", "slim", "change", "95 % interval")
    assert table.rows == (
        ("parameters", "22,713,216", "19,168,512", "−15.6 %", "–"),
        ("parameters, encoder", "10,646,784", "7,102,080", "−33.3 %", "–"),
        ("parameters, embeddings", "11,917,824", "11,917,824", "0.0 %", "–"),
        ("multiply-accumulates at 1x128", "1.43 G MACs", "0.981 G MACs", "−31.6 %", "–"),
        ("size on disk", "86.7 MiB", "73.1 MiB", "−15.6 %", "–"),
        ("peak memory at 1x128", "412 MiB", "371 MiB", "−10.0 %", "–"),
        ("latency at 1x32", "7.61 ms", "5.52 ms", "−27.5 %", "−29.0 to −26.0 %"),
        ("latency at 1x128", "15.9 ms", "11.2 ms", "−29.7 %", "−31.0 to −28.0 %"),
        ("latency at 8x128", "111 ms", "81.4 ms", "−26.8 %", "−28.0 to −25.5 %"),
        ("accuracy", "71.2 %", "70.1 %", "−1.1 points", "−2.0 to −0.2 points"),
        ("macro F1", "65.0 %", "65.1 %", "+0.1 points", "−1.0 to +1.2 points"),
    )


def test_what_was_measured_twice_is_told_apart():
    both = (
        *latency(1, 128, 16, 11, 0.6, 0.7),
        *latency(1, 128, 8, 7, 0.8, 0.9, runtime="onnxruntime", runs=90),
    )
    table = before_and_after(cut_record(measurements=both))
    assert [row[0] for row in table.rows] == [
        "latency at 1x128, torch",
        "latency at 1x128, onnxruntime",
    ]


def test_a_result_without_a_base_has_no_empty_columns():
    record = retrain_record()
    assert before_and_after(record).headers == ("figure", "after", "95 % interval")
    assert quality(record).headers == ("figure", "after", "95 % interval")


def test_latency_has_a_row_a_shape_and_what_is_fixed_is_said_once():
    found = latencies(cut_record())
    assert found.held_fixed == {
        "runtime": "torch",
        "dtype": "float32",
        "threads": "2",
        "runs": "60",
    }
    assert found.headers == ("shape", "base, ms", "slim, ms", "speed-up", "95 % interval")
    assert found.rows[1] == (
        "1x128",
        "15.9 / 17.5 / 20.7",
        "11.2 / 12.3 / 14.6",
        "1.42 x",
        "1.39 to 1.45 x",
    )


def test_what_differs_between_latencies_becomes_a_column():
    both = (
        *latency(1, 128, 16, 11, 0.6, 0.7),
        *latency(1, 128, 8, 7, 0.8, 0.9, runtime="onnxruntime"),
    )
    found = latencies(cut_record(measurements=both))
    assert found.headers[:2] == ("shape", "runtime")
    assert [row[1] for row in found.rows] == ["torch", "onnxruntime"]
    assert "runtime" not in found.held_fixed


def test_latency_of_one_model_alone():
    alone = compare("latency", None, 11.0, batch=1, length=128, **HELD_FIXED)
    table = latencies(retrain_record().model_copy(update={"measurements": (alone,)}))
    assert table.headers == ("shape", "after, ms")
    assert table.rows == (("1x128", "11.0"),)


def test_a_slower_result_is_shown_as_slower():
    assert latencies(worse_record()).rows[0][3:] == ("0.70 x", "0.69 to 0.72 x")


def test_quality_tells_metrics_and_fidelity_with_their_data():
    found = quality(cut_record())
    assert found.held_fixed == {"dataset": "tickets.csv", "split": "report", "n": "500"}
    assert found.rows == (
        ("accuracy", "71.2 %", "70.1 %", "−1.1 points", "−2.0 to −0.2 points"),
        ("macro F1", "65.0 %", "65.1 %", "+0.1 points", "−1.0 to +1.2 points"),
        ("KL from the base", "–", "0.0412 nats", "–", "0.0310 to 0.0521 nats"),
        ("agreement with the base", "–", "97.0 %", "–", "95.5 to 98.5 %"),
    )


def test_quality_without_labels():
    table = quality(unlabelled_record())
    assert table.headers == ("figure", "slim", "95 % interval")
    assert table.rows == (("cosine to the base", "0.9812", "0.9790 to 0.9834"),)


def test_nothing_measured_makes_no_table():
    record = cut_record(measurements=())
    assert before_and_after(record) is latencies(record) is quality(record) is None


def test_a_metric_not_known_by_name_is_shown_under_its_own():
    unknown = accuracy(0.5, 0.6, 0.0, 0.2).model_copy(update={"name": "accuracy.top_3"})
    record = cut_record(measurements=(unknown,))
    assert before_and_after(record).rows[0][0] == "top 3"
