"""Frozen records: what a model is, what becomes of it, what was measured, and the account of a run.

All are immutable pydantic models, so that `bertslim.json` is read back exactly as it was written.
Nothing here imports torch or transformers.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from bertslim.errors import InputError

SCHEMA = 2
RECORD_FILE = "bertslim.json"

Scalar = str | int | float | bool


class Frozen(BaseModel):
    """A base for immutable records."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class LayerFacts(Frozen):
    """The shape of one transformer layer.

    Attributes:
        heads: Attention heads; 0 where the attention block is gone.
        intermediate_size: Neurons of the FFN block; 0 where the block is gone.
        attention_norm: Whether the LayerNorm behind the attention block is there.
        ffn_norm: Whether the LayerNorm behind the FFN block is there.
        linear_rank: Rank of the linear map of the block's input that stands beside the FFN block,
            or in its place where that is gone; hidden_size for one full map, 0 for none.
        ffn_of: The layer of the same model whose FFN block it uses; None where it has its own.
    """

    heads: int
    intermediate_size: int
    attention_norm: bool = True
    ffn_norm: bool = True
    linear_rank: int = 0
    ffn_of: int | None = None


class ModelFacts(Frozen):
    """What a checkpoint's configuration says about its shape; no weight is read for it.

    Attributes:
        model_type: The stock family name, such as "bert", also for a slim checkpoint.
        architecture: The stock class name, such as "BertForSequenceClassification".
        head: What stands on the encoder, such as "SequenceClassification"; "" for the bare encoder.
        hidden_size: Width of the hidden states.
        head_size: Width of one attention head.
        vocab_size: Tokens in the vocabulary.
        max_length: The longest sequence, in tokens, that the position embeddings allow.
        labels: Outputs of the head.
        pooler: Whether the bare encoder has its pooler.
        dtype: The type of the weights on disk, such as "float32".
        embedding_parameters: Parameters of the embeddings.
        shared_parameters: Parameters that the layers share, such as MPNet's attention bias.
        head_parameters: Parameters of the pooler and the head, tied ones left out.
        macs_per_token: Multiply-accumulates outside the layers, for each token.
        macs_per_sequence: Multiply-accumulates outside the layers, for each sequence.
        layers: The layers from the bottom up.
    """

    model_type: str
    architecture: str
    head: str
    hidden_size: int
    head_size: int
    vocab_size: int
    max_length: int
    labels: int
    pooler: bool
    dtype: str
    embedding_parameters: int
    shared_parameters: int
    head_parameters: int
    macs_per_token: int
    macs_per_sequence: int
    layers: tuple[LayerFacts, ...]


class Sizes(Frozen):
    """Parameter counts and multiply-accumulates of one model.

    Attributes:
        parameters: All parameters, tied ones counted once.
        encoder: Parameters of the transformer layers.
        embeddings: Parameters of the embeddings.
        macs: Multiply-accumulates of one forward pass at batch 1 and the stated length.
    """

    parameters: int
    encoder: int
    embeddings: int
    macs: int


class LayerPlan(Frozen):
    """What one layer of the base becomes.

    Attributes:
        layer: Number in the base, from 0.
        slim_layer: Number in the slim model; None where the layer is dropped.
        actions: What happens to it, in words; empty where it is left alone.
    """

    layer: int
    slim_layer: int | None
    before: LayerFacts
    after: LayerFacts | None
    actions: tuple[str, ...]
    parameters_before: int
    parameters_after: int
    macs_before: int
    macs_after: int


class StepPlan(Frozen):
    """One surgery step of a recipe with its layers resolved to numbers of the base.

    Attributes:
        layers: Empty where the step is not about layers.
    """

    op: str
    layers: tuple[int, ...]


class VocabularyPlan(Frozen):
    """What becomes of the vocabulary.

    Attributes:
        before: Tokens that the base knows.
        after: Tokens that stay; None until the data are read that tell.
    """

    before: int
    after: int | None


class Plan(Frozen):
    """What a recipe makes of a model, worked out before any weight is touched.

    Attributes:
        even: Whether a stock transformers class can express the result.
        length: The sequence length, in tokens, at which MACs are counted.
        slim: An upper bound as long as it is not known how many tokens stay.
        vocabulary: What becomes of the vocabulary; None where it stays as it is.
    """

    steps: tuple[StepPlan, ...]
    layers: tuple[LayerPlan, ...]
    even: bool
    length: int
    base: Sizes
    slim: Sizes
    vocabulary: VocabularyPlan | None = None

    @property
    def slim_layers(self) -> tuple[LayerFacts, ...]:
        """The layers of the slim model from the bottom up."""
        return tuple(row.after for row in self.layers if row.after is not None)


class Interval(Frozen):
    """An interval of confidence, and what it is the interval of."""

    of: Literal["ratio", "difference", "slim"]
    low: float
    high: float
    level: float = 0.95


class Measurement(Frozen):
    """One figure, of the base and of the slim model, with all that was held fixed.

    Attributes:
        name: Such as "latency" or "accuracy.macro_f1".
        unit: Such as "ms", "bytes" or "share".
        ratio: slim / base, where that has a meaning.
        interval: How sure the comparison is.
        context: Runtime, dtype, batch, length, threads, data set, split, n …
    """

    name: str
    unit: str
    base: float | None = None
    slim: float | None = None
    ratio: float | None = None
    interval: Interval | None = None
    context: dict[str, Scalar] = Field(default_factory=dict)


def compare(
    name: str,
    unit: str,
    base: float | None,
    slim: float | None,
    *,
    interval: Interval | None = None,
    **context: Scalar,
) -> Measurement:
    """Make a measurement whose ratio is slim / base."""
    ratio = slim / base if base and slim is not None else None
    return Measurement(
        name=name, unit=unit, base=base, slim=slim, ratio=ratio, interval=interval, context=context
    )


class ModelRecord(Frozen):
    """Which checkpoint it was: where it came from and the hash of its weights."""

    source: str
    model_type: str
    architecture: str
    layers: int
    sha256: str


class SplitRecord(Frozen):
    """One split of the data: how many texts, and the hash of them all."""

    name: Literal["fit", "select", "report"]
    rows: int
    sha256: str


class DataRecord(Frozen):
    """Which data were used, and how they were split.

    Attributes:
        report_source: Where the report split comes from, if it is a source of its own.
        task: What the report split was run as; None in records of schema 1.
        text_columns: The source's names of the columns of the texts: one, or two for pairs.
        label_columns: The same of the labels; none where there are no labels.
        labels: The names of the labels in the order of their ids, where they are classes.
    """

    source: str
    report_source: str | None = None
    task: str | None = None
    text_columns: tuple[str, ...]
    label_columns: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    sha256: str
    splits: tuple[SplitRecord, ...]


class Environment(Frozen):
    """The machine and the versions that the figures were measured with."""

    cpu: str
    cores: int
    threads: int
    memory_bytes: int
    os: str
    python: str
    versions: dict[str, str]
    git: str | None = None


class TimeRatio(Frozen):
    """How the time of one model compares with that of another at the same shape.

    Attributes:
        model: The other one, as it was called.
        runtime: What ran the other one.
        ratio: Time of the one / time of the other.
        interval: Of the ratio.
    """

    model: str
    runtime: str
    ratio: float
    interval: Interval


class Timing(Frozen):
    """How long one model in one runtime takes for one call at one shape.

    Attributes:
        model: As it was called.
        runtime: Such as "torch" or "openvino-bf16".
        dtype: What it multiplies in.
        batch: Sequences a call.
        length: Tokens a sequence.
        median_ms: Median over all calls, in ms.
        p90_ms: Their 90th percentile.
        p99_ms: Their 99th percentile.
        calls: How many there were.
        to_first: Beside the first model in its first runtime; None for that itself.
        to_base: Beside the first model in the same runtime, or where it ran in no such one, in its
            first; None for the first model.
        fastest: Whether nothing was faster at this shape beyond doubt.
    """

    model: str
    runtime: str
    dtype: str
    batch: int
    length: int
    median_ms: float
    p90_ms: float
    p99_ms: float
    calls: int
    to_first: TimeRatio | None
    to_base: TimeRatio | None
    fastest: bool


class BenchResult(Frozen):
    """What `bertslim bench` measured.

    Attributes:
        timings: Shape by shape, in the order of the models and their runtimes.
        launches: How often all processes were started anew.
        notes: What the reader should know about it.
    """

    timings: tuple[Timing, ...]
    environment: Environment
    launches: int
    seed: int
    notes: tuple[str, ...] = ()


class Repair(Frozen):
    """One part of the slim model that was solved in closed form.

    Attributes:
        layer: Number in the base; None for the head.
        part: Which of the layer's maps.
        ridge: The ridge, as a share of each input's variance, that did best on held-out tokens;
            None where nothing did better than what was there, and where there is none.
        factor: What the part was multiplied by, where it was scaled.
        before: Weighted squared error on held-out tokens with what was there before, as a share of
            the targets' variance. Of the head the KL divergence from the base, as a share of that
            of an answer at random.
        after: The same with what was solved from the other tokens.
    """

    layer: int | None
    part: str
    ridge: float | None = None
    factor: float | None = None
    before: float
    after: float


class Look(Frozen):
    """How far training had come, and how good the model was on the select split.

    Attributes:
        step: Batches so far; 0 is the start.
        seconds: Of training so far.
        loss: The mean over the batches since the last look; None at the start.
        score: As `Training.score` names it.
    """

    step: int
    seconds: float
    loss: float | None
    score: float


class Training(Frozen):
    """How a model was trained, and what that took.

    Attributes:
        teacher: Whom it learned from; None where it learned from labels alone.
        start_model: Which checkpoint was trained; None where a cut goes on with its training.
        settings: The section `retrain` of a recipe, with what was left to bertslim filled in.
        processes: How many shared the batches.
        dtype: What products were worked out in.
        device: Where.
        score: What told which weights to keep, on the select split.
        higher_is_better: Whether more of it is better.
        steps: Batches that it was trained on.
        sequences: Sequences in them.
        tokens: Tokens in them, padding included.
        seconds: Of training, looks at the select split included.
        macs: Multiply-accumulates of all passes, a backward pass counted as two forward ones.
        best_step: After how many steps the weights that were kept stood; 0: those of the start.
        looks: From the start to the end.
        resumed: Whether it was interrupted on the way.
    """

    teacher: ModelRecord | None = None
    start_model: ModelRecord | None = None
    settings: dict[str, Any]
    processes: int
    dtype: str
    device: str
    score: str
    higher_is_better: bool
    steps: int
    sequences: int
    tokens: int
    seconds: float
    macs: int = 0
    best_step: int
    looks: tuple[Look, ...]
    resumed: bool = False

    @property
    def start(self) -> Look:
        """What training began with."""
        return self.looks[0]

    @property
    def best(self) -> Look:
        """The look at the weights that were kept."""
        return next(look for look in self.looks if look.step == self.best_step)

    @property
    def tokens_per_second(self) -> float:
        """How fast it went, looks at the select split included."""
        return self.tokens / self.seconds if self.seconds else 0.0


class Step(Frozen):
    """One step of the run and the seconds that it took."""

    name: str
    seconds: float


class ExportRecord(Frozen):
    """A file that was made of the slim model for another runtime.

    Attributes:
        file: Its name.
        format: Such as "ONNX".
        precision: Of its weights.
        size: Bytes.
        difference: The largest difference from PyTorch on made-up inputs, as a share of the largest
            value that PyTorch puts out.
        in_float32: What was left in float32 when the rest was quantised, in words.
        measurements: The file's answers ("slim") beside those of PyTorch in float32 ("base").
        notes: What a reader should know.
    """

    file: str
    format: str
    precision: str
    size: int
    difference: float
    in_float32: tuple[str, ...] = ()
    measurements: tuple[Measurement, ...] = ()
    notes: tuple[str, ...] = ()


class Record(Frozen):
    """The account of one run, `bertslim.json`.

    Attributes:
        kind: Which command made the result.
        base: The model that went in.
        slim: The model that came out.
        recipe: The resolved recipe, for a cut.
        training: How it was trained, if it was.
        exports: Files for other runtimes that were made of it since.
    """

    schema_version: int = Field(default=SCHEMA, alias="schema")
    bertslim: str
    created: str
    kind: Literal["cut", "retrain"]
    seed: int
    base: ModelRecord
    slim: ModelRecord
    recipe: dict[str, Any] | None = None
    plan: Plan | None = None
    data: DataRecord | None = None
    environment: Environment
    steps: tuple[Step, ...] = ()
    repairs: tuple[Repair, ...] = ()
    training: Training | None = None
    measurements: tuple[Measurement, ...] = ()
    notes: tuple[str, ...] = ()
    exports: tuple[ExportRecord, ...] = ()

    @model_validator(mode="before")
    @classmethod
    def _from_older_schema(cls, raw: Any) -> Any:
        return _from_schema_1(raw) if isinstance(raw, dict) and raw.get("schema") == 1 else raw

    def to_json(self) -> str:
        """Serialise with stable order and two spaces, ending in a line break."""
        return self.model_dump_json(by_alias=True, indent=2) + "\n"

    def find(self, name: str) -> Sequence[Measurement]:
        """Return the measurements of that name, in the order in which they were made."""
        return [measurement for measurement in self.measurements if measurement.name == name]


def read_record(directory: Path) -> Record:
    """Read the record of a result directory.

    Raises:
        InputError: The file is missing, is not a record, or was written by a later bertslim.
    """
    path = directory / RECORD_FILE
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise InputError(
            "no bertslim record here",
            where=str(path),
            remedy="name a directory that `bertslim cut` or `bertslim retrain` wrote",
        ) from error
    except UnicodeDecodeError as error:
        raise InputError("not UTF-8 text; write the result again", where=str(path)) from error
    try:
        return Record.model_validate_json(text)
    except ValidationError as error:
        raise InputError(_why_unreadable(text, error), where=str(path)) from error


def _from_schema_1(raw: dict[str, Any]) -> dict[str, Any]:
    """Bring a record of bertslim 0.1.0 into the form of today.

    It knew one column of texts and one of labels, and no task.
    """
    data = raw.get("data")
    if isinstance(data, dict) and "text_column" in data:
        data = dict(data)
        label = data.pop("label_column", None)
        data["text_columns"] = (data.pop("text_column"),)
        data["label_columns"] = () if label is None else (label,)
    return raw | {"schema": SCHEMA, "data": data}


def _why_unreadable(text: str, error: ValidationError) -> str:
    import json

    try:
        raw = json.loads(text)
    except ValueError:
        return "not valid JSON; write the result again"
    if isinstance(raw, dict) and isinstance(raw.get("schema"), int) and raw["schema"] > SCHEMA:
        return (
            f"written by bertslim {raw.get('bertslim')} with record schema {raw['schema']}, "
            f"this version reads up to {SCHEMA}; update bertslim"
        )
    first = error.errors()[0]
    place = ".".join(str(part) for part in first["loc"])
    return f"not a bertslim record: {place}: {first['msg']}"
