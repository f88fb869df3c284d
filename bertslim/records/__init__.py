"""Frozen records: facts of models, plans, measurements, and the record of a run.

All are immutable pydantic models, so that `bertslim.json` is read back exactly as it was written.
Nothing here imports torch or transformers.
"""

from bertslim.file_names import ANALYSIS_FILE, RECORD_FILE
from bertslim.records.alternatives import (
    AlternativeRole,
    Alternatives,
    ComparedModel,
    ServedModel,
)
from bertslim.records.analysis import (
    BLOCKS,
    AlterationKind,
    Analysis,
    Block,
    Cka,
    CkaMatrix,
    Cluster,
    Effect,
    ProbePoint,
    Probes,
    Recommendation,
    Role,
    Sensitivity,
    Site,
)
from bertslim.records.changes import ExportRecord, Int8Products, Look, Repair, Training
from bertslim.records.disagreements import Disagreement, Disagreements
from bertslim.records.facts import LayerFacts, LayerForm, ModelFacts, Sizes
from bertslim.records.frontier import (
    Budget,
    Drop,
    Frontier,
    FrontierPoint,
    RuntimeTried,
    SearchTarget,
    ShippedPoint,
    Solved,
    runtimes_in_words,
)
from bertslim.records.frozen import Frozen, Scalar
from bertslim.records.latency_tables import LatencyCheck, LatencyTable, LevelTime
from bertslim.records.measurements import Interval, Measurement, compare, unusable_figure
from bertslim.records.plans import LayerPlan, Plan, StepPlan, VocabularyPlan
from bertslim.records.provenance import (
    DataRecord,
    Environment,
    LabelCount,
    LabelSummary,
    ModelRecord,
    ScoreRange,
    SplitRecord,
    Step,
)
from bertslim.records.record import SCHEMA, Record, read_analysis, read_record
from bertslim.records.timings import BenchResult, TimedTexts, TimeRatio, Timing

__all__ = [
    "ANALYSIS_FILE",
    "BLOCKS",
    "RECORD_FILE",
    "SCHEMA",
    "AlterationKind",
    "AlternativeRole",
    "Alternatives",
    "Analysis",
    "BenchResult",
    "Block",
    "Budget",
    "Cka",
    "CkaMatrix",
    "Cluster",
    "ComparedModel",
    "DataRecord",
    "Disagreement",
    "Disagreements",
    "Drop",
    "Effect",
    "Environment",
    "ExportRecord",
    "Frontier",
    "FrontierPoint",
    "Frozen",
    "Int8Products",
    "Interval",
    "LabelCount",
    "LabelSummary",
    "LatencyCheck",
    "LatencyTable",
    "LayerFacts",
    "LayerForm",
    "LayerPlan",
    "LevelTime",
    "Look",
    "Measurement",
    "ModelFacts",
    "ModelRecord",
    "Plan",
    "ProbePoint",
    "Probes",
    "Recommendation",
    "Record",
    "Repair",
    "Role",
    "RuntimeTried",
    "Scalar",
    "ScoreRange",
    "SearchTarget",
    "Sensitivity",
    "ServedModel",
    "ShippedPoint",
    "Site",
    "Sizes",
    "Solved",
    "SplitRecord",
    "Step",
    "StepPlan",
    "TimeRatio",
    "TimedTexts",
    "Timing",
    "Training",
    "VocabularyPlan",
    "compare",
    "read_analysis",
    "read_record",
    "runtimes_in_words",
    "unusable_figure",
]
