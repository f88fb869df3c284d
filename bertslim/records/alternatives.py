"""What else could be done: models that stand in for one another, and what each is worth."""

from __future__ import annotations

from typing import Literal

from bertslim.records.changes import Training
from bertslim.records.frozen import Count, Frozen
from bertslim.records.measurements import Measurement
from bertslim.records.provenance import DataRecord

AlternativeRole = Literal["whole", "given", "small", "fewer layers", "static"]


class ComparedModel(Frozen):
    """One of the models.

    Attributes:
        name: What it is called in the times and scores.
        role: The whole model, one that was named beside it, a smaller pretrained one, the whole
            model without its top layers, or static embeddings.
        source: Where it comes from.
        made: How it was made of that, in words.
        training: How it was trained, if it was.
    """

    name: str
    role: AlternativeRole
    source: str
    made: str
    training: Training | None = None


class ServedModel(Frozen):
    """One model in one runtime and precision.

    Attributes:
        model: The name of the model.
        runtime: Such as "torch" or "openvino-bf16".
        dtype: The type of its multiplications.
        size: Bytes of its weights, or of its file.
        score: The main metric of the task on the scored rows ("slim") beside that of the whole
            model in PyTorch ("base"), with the interval of the difference; the whole model's own
            has no base, and its interval is that of the score.
    """

    model: str
    runtime: str
    dtype: str
    size: Count
    score: Measurement


class Alternatives(Frozen):
    """What was compared, and how good each is; the times stand beside it.

    Attributes:
        data: The data that models were trained on and scored on.
        scored: Rows of the report split that all were scored on.
        models: The whole model first.
        served: Each model in each runtime and precision.
    """

    data: DataRecord
    scored: Count
    models: tuple[ComparedModel, ...]
    served: tuple[ServedModel, ...]
