"""The results of `bertslim analyze` as records; nothing here imports torch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, Self

from pydantic import Field, model_validator

from bertslim.records.frozen import Count, Frozen
from bertslim.records.provenance import DataRecord, Environment, ModelRecord, Step

Block = Literal["attention", "ffn"]
BLOCKS: tuple[Block, ...] = ("attention", "ffn")  # in the order in which they compute
Role = Literal["base", "slim"]
AlterationKind = Literal["drop_ffn", "halve_ffn", "drop_attention"]


class Site(Frozen):
    """A place in a model: after a block of a layer, where its output has been added.

    Attributes:
        layer: Number from 0.
        block: Which of its two.
    """

    layer: Count
    block: Block


class Cluster(Frozen):
    """Neighbouring layers whose representations are alike.

    Attributes:
        name: Such as "layers 1-4".
        first: Number of the lowest.
        last: Number of the highest.
        within: Mean CKA between two different layers of it; 1 where it is a single one.
    """

    name: str
    first: Count
    last: Count
    within: float


class CkaMatrix(Frozen):
    """CKA between the layers of a model and those of the same or another, after one kind of block.

    Attributes:
        rows: Whose layers the rows are.
        columns: Whose the columns are.
        block: Which of the two blocks.
        values: A row a layer; None where a representation never varies.
        clusters: Where both are one model.
    """

    rows: Role
    columns: Role
    block: Block
    values: tuple[tuple[float | None, ...], ...] = Field(min_length=1)
    clusters: tuple[Cluster, ...] = ()

    @model_validator(mode="after")
    def _of_equal_rows(self) -> Self:
        if len({len(row) for row in self.values}) > 1 or not self.values[0]:
            raise ValueError("the rows of a matrix differ in length, or are empty")
        return self


class Cka(Frozen):
    """Similarity of representations by CKA.

    Attributes:
        matrices: Within the base; with another model also within that, and between the two.
        tokens: How many were drawn.
        batch_size: Tokens that were compared at once.
        batches: How many such batches there were.
    """

    matrices: tuple[CkaMatrix, ...]
    tokens: Count
    batch_size: Count
    batches: Count

    def find(self, rows: Role, columns: Role, block: Block) -> CkaMatrix | None:
        """Return one of the matrices."""
        matrices = {(each.rows, each.columns, each.block): each for each in self.matrices}
        return matrices.get((rows, columns, block))


class ProbePoint(Frozen):
    """The score of a linear classifier on the representations at one site.

    Attributes:
        model: Whose site it is.
        score: On held-out rows.
        low: The lower end of its 95 % interval.
        high: The upper end.
        control: The score of the same kind of classifier on random labels.
        ridge: Its regularisation, chosen by cross-validation.
    """

    model: Role
    site: Site
    score: float
    low: float
    high: float
    control: float
    ridge: float

    @property
    def selectivity(self) -> float:
        """How much better it is than on random labels (Hewitt and Liang 2019)."""
        return self.score - self.control


class Probes(Frozen):
    """Linear probes at all sites.

    Attributes:
        unit: What has a label.
        metric: Such as "accuracy" or "macro F1".
        fitted: Labelled examples that they were fitted to.
        scored: Labelled examples that they were scored on.
        chance: The score of always naming the most frequent class.
    """

    unit: Literal["texts", "tokens"]
    metric: str
    fitted: Count
    scored: Count
    chance: float
    points: tuple[ProbePoint, ...]


class Effect(Frozen):
    """The loss of a model with one block altered.

    Attributes:
        layer: Number from 0.
        kind: The alteration of the block.
        damage: As `Sensitivity.measure` names it, averaged over the texts.
        low: The lower end of its 95 % interval; None where it has none.
        high: The upper end.
        score: The metric; None without labels.
        parameters: Parameters that it would save.
        macs: Multiply-accumulates that it would save, at `Sensitivity.length` tokens.
    """

    layer: Count
    kind: AlterationKind
    damage: float
    low: float | None = None
    high: float | None = None
    score: float | None = None
    parameters: Count
    macs: Count


class Sensitivity(Frozen):
    """The sensitivity of a model to each block.

    Attributes:
        measure: The measure of damage, such as "KL in nats".
        metric: The metric's name, such as "accuracy"; None without labels.
        unit: Of the metric.
        score: That of the model as it is.
        rows: Texts.
        length: Tokens at which multiply-accumulates are counted.
        effects: Layer by layer.
    """

    measure: str
    metric: str | None
    unit: str | None = None
    score: float | None
    rows: Count
    length: Count
    effects: tuple[Effect, ...]

    def of_kind(self, kind: AlterationKind) -> Sequence[Effect]:
        """Return the effects of one kind of alteration, from the bottom up."""
        return [effect for effect in self.effects if effect.kind == kind]


class Recommendation(Frozen):
    """The recommended recipe, with reasons.

    Attributes:
        reasons: Sentences.
        recipe: The recipe.
    """

    reasons: tuple[str, ...]
    recipe: dict[str, Any]


class Analysis(Frozen):
    """The analysis of one or two models.

    Attributes:
        base: The model, or the first of two.
        slim: The other.
        command: The command line, word by word; empty where the library was called.
        device: Where the models ran, "cpu" or "cuda".
        probes: None without labels for a linear classifier.
    """

    bertslim: str
    created: str
    seed: int
    base: ModelRecord
    slim: ModelRecord | None = None
    command: tuple[str, ...] = ()
    data: DataRecord
    environment: Environment
    device: str = "cpu"
    steps: tuple[Step, ...] = ()
    cka: Cka
    probes: Probes | None = None
    sensitivity: Sensitivity
    recommendation: Recommendation
    notes: tuple[str, ...] = Field(default=())

    @model_validator(mode="after")
    def _of_models_that_are_named(self) -> Self:
        points = self.probes.points if self.probes else ()
        roles = {point.model for point in points}
        roles |= {role for matrix in self.cka.matrices for role in (matrix.rows, matrix.columns)}
        if "slim" in roles and self.slim is None:
            raise ValueError("there are figures of a second model, and none is named")
        return self

    def in_short(self) -> dict[str, Any]:
        """Return the models and what is recommended."""
        slim = {"slim": self.slim.source} if self.slim else {}
        return {"base": self.base.source, **slim, "recipe": self.recommendation.recipe.get("name")}

    def to_json(self) -> str:
        """Serialise with stable order and two spaces, ending in a line break."""
        return self.model_dump_json(indent=2) + "\n"
