"""From base to slim on disk: survey -> plan -> cut -> repair -> train -> save."""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import torch
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from bertslim.commands.prepare_cut import Prepared
from bertslim.commands.publish import model_record, record_of
from bertslim.commands.slim_result import SavedSlim, SlimJob
from bertslim.data.batches import batches
from bertslim.data.load import BATCH_SIZE, text_length
from bertslim.data.sampling import draw_rows
from bertslim.data.splits import Splits
from bertslim.data.task import Batch, Rows
from bertslim.errors import DataError
from bertslim.measure.size import compare_parameters, count_parameters
from bertslim.model.checkpoint import (
    Checkpoint,
    build_slim,
    load_checkpoint,
    save_checkpoint,
    sharing_copy,
)
from bertslim.model.checkpoint_files import find_weights
from bertslim.model.config_facts import read_facts
from bertslim.model.copied_files import copy_files
from bertslim.model.embedding_rows import prune_embeddings, prune_extra
from bertslim.model.tokenizer import has_tokenizer, load_tokenizer, name_tokenizer_class
from bertslim.model.tokenizer_pruning import prune_tokenizer
from bertslim.model.vocabulary import Vocabulary, choose_vocabulary
from bertslim.output.writing import writing
from bertslim.progress import Progress
from bertslim.recipe.plan import CutPlan
from bertslim.recipe.schema import Reconstruct
from bertslim.records import (
    ModelFacts,
    Plan,
    Repair,
    Training,
    compare,
)
from bertslim.repair.reconstruct import reconstruct
from bertslim.surgery.block_damage import block_damage
from bertslim.surgery.layer_surgery import operate
from bertslim.surgery.survey import Survey, measured_rankings, survey
from bertslim.training.train_model import Student, TeacherModel, train_model
from bertslim.training.training_options import TrainingOptions


@dataclass(frozen=True)
class MadeSlim:
    """A slim model in memory.

    Attributes:
        base: The base, as it was read.
        model: The slim model.
        plan: The change of each layer.
        vocabulary: The tokens that stayed; None where all did.
        repairs: What the repair solved or refined.
        notes: Notes for the reader.
    """

    base: Checkpoint
    model: PreTrainedModel
    plan: Plan
    vocabulary: Vocabulary | None
    repairs: tuple[Repair, ...]
    notes: tuple[str, ...]


def make_slim(
    prepared: Prepared, splits: Splits | None, job: SlimJob, progress: Progress
) -> MadeSlim:
    """Carry out a recipe in memory.

    Args:
        prepared: The base and the recipe.
        splits: The data for a recipe that needs texts: `fit` for the repair and the importance of
            neurons, `select` for the importance of layers.
        job: The settings.
        progress: Shows the steps.

    Raises:
        RecipeError: The recipe does not fit the model.
        ModelError: The base is damaged, or its activations are not finite.
    """
    torch.set_num_threads(job.threads)
    with progress.step("load"):
        base = load_checkpoint(prepared.source.directory).to(job.devices.work)
    maker = _Maker(prepared, base, splits, job, progress)
    vocabulary = maker.choose_vocabulary()
    plan = prepared.plan(pruned=maker.pruned_facts(vocabulary), importance=maker.importance())
    slim, repairs = maker.make(plan)
    notes = (*base.notes, *maker.notes)
    return MadeSlim(base, slim, plan.record, vocabulary, repairs, notes)


def train_slim(
    made: MadeSlim,
    prepared: Prepared,
    splits: Splits | None,
    options: TrainingOptions,
    progress: Progress,
) -> Training | None:
    """Train a slim model with the base as its teacher, if the recipe asks for it.

    Args:
        made: The slim model, which gets the weights that did best.
        prepared: Where the base is, and the recipe.
        splits: The data.
        options: The settings.
        progress: Shows the steps.

    Returns:
        The account of the training.

    Raises:
        DataError: There are too few rows, or the labels that it needs are missing.
        ModelError: The loss is not a number.
        OutputError: An interrupted training lies in the way.
    """
    settings = prepared.recipe.recipe.retrain
    if settings is None:
        return None
    assert splits is not None  # noqa: S101 (a recipe that needs data is refused without)
    if settings.distill.labels and not splits.fit.labelled:
        raise DataError(
            "the recipe trains on labels, and the data have none",
            where=splits.record.source,
            remedy="name the column with --label-column, or leave `labels` out of `distill`",
        )
    source, dtype = prepared.source, made.model.dtype
    made.base.model.float()
    record = record_of(source)
    teacher = TeacherModel(made.base, record, made.plan.layers)
    facts = made.base.facts.model_copy(update={"layers": made.plan.slim_layers})
    # a copy, as the slim model shares tensors with its teacher
    slim = replace(made.base, model=copy.deepcopy(made.model), facts=facts)
    student = Student(
        slim,
        _hash_of(made.model),
        load_tokenizer(source.directory),
    )
    with progress.step("train"):
        trained = train_model(student, teacher, splits, settings, options, progress)
    made.model.load_state_dict(trained.weights, assign=True)
    made.model.tie_weights()
    made.model.to(dtype=dtype)  # type: ignore[call-arg]
    return trained.training


def _hash_of(model: PreTrainedModel) -> str:
    """Return the SHA-256, in hexadecimal, of the values of all tensors."""
    digest = hashlib.sha256()
    for name, tensor in model.state_dict().items():
        digest.update(name.encode())
        digest.update(tensor.contiguous().view(torch.uint8).numpy())
    return digest.hexdigest()


def save_slim(
    made: MadeSlim, prepared: Prepared, directory: Path, job: SlimJob, progress: Progress
) -> SavedSlim:
    """Write a slim model as a checkpoint, with the files that the base came with.

    Args:
        made: The slim model; its embeddings are pruned here.
        prepared: Where the base is.
        directory: Where to write.
        job: How it was made.
        progress: Shows the steps.

    Raises:
        OutputError: It cannot be written.
    """
    extra, source = made.base.extra, prepared.source
    before = count_parameters(made.base.model)
    if made.vocabulary is not None:
        prune_embeddings(made.model, made.vocabulary)
        extra = prune_extra(extra, made.vocabulary)
    after = count_parameters(made.model)
    with progress.step("save"), writing(job.target):
        save_checkpoint(made.model, directory, extra, made.base.config)
        notes = copy_files(source.directory, directory)
        if has_tokenizer(directory) and not made.plan.even:
            name_tokenizer_class(directory)
        if made.vocabulary is not None:
            prune_tokenizer(directory, made.vocabulary)
    with progress.step("hash"):
        bytes_on_disk = made.base.weights.size, find_weights(directory).size
        return SavedSlim(
            base=record_of(source),
            slim=model_record(job.target.name, directory),
            measurements=(
                *compare_parameters(before, after, made.plan),
                compare("bytes", *bytes_on_disk),
            ),
            notes=notes,
        )


@dataclass
class _Maker:
    """Measures importance on the data, and makes the slim model in memory."""

    prepared: Prepared
    base: Checkpoint
    splits: Splits | None
    job: SlimJob
    progress: Progress
    notes: tuple[str, ...] = ()

    def choose_vocabulary(self) -> Vocabulary | None:
        """Count which tokens the fit split uses, if the recipe prunes the others."""
        step = self.prepared.recipe.recipe.vocabulary_step
        if step is None:
            return None

        embedder = self.base.embedder
        with self.progress.step("count tokens"):
            return choose_vocabulary(
                embedder.prompted(self._data.fit.texts()),
                self._tokenizer,
                self.base.model,
                min_count=step.min_count,
                prompts=embedder.prompts,
            )

    def pruned_facts(self, vocabulary: Vocabulary | None) -> ModelFacts | None:
        """Return the shape of the base with only the tokens that stay."""
        if vocabulary is None:
            return None
        config = vocabulary.renumber_config(self.prepared.config)
        return read_facts(config, self.base.weights.tensors)

    def importance(self) -> Sequence[float] | None:
        """Measure the importance of each FFN block on the select split, if the recipe needs it."""
        if not self.prepared.recipe.recipe.needs_importance:
            return None

        rows = self._data.select
        with self.progress.step("weigh the layers"):
            return block_damage(self.base, self._batches(rows), self.progress)

    def make(self, plan: CutPlan) -> tuple[PreTrainedModel, tuple[Repair, ...]]:
        """Cut, and repair if the recipe has the section."""
        recipe, base, dtype = self.prepared.recipe.recipe, self.base, self.base.model.dtype
        surveyed = self._by_fisher or self._refines or bool(measured_rankings(plan))
        calibration: list[Batch] = []
        if surveyed or recipe.reconstruct is not None:
            calibration = self._calibration()
            base.model.float()
        surveys = self._survey(plan, calibration) if surveyed else Survey()
        with self.progress.step("cut"):
            model = sharing_copy(base.model)
            operate(model, plan, scores=surveys.scores)
            slim = build_slim(replace(base, model=model), plan.record)
        repairs: tuple[Repair, ...] = ()
        if recipe.reconstruct is not None:
            repairs = self._reconstruct(slim, plan, calibration, surveys)
        base.to("cpu")  # what is saved and trained starts from there
        slim.to("cpu", dtype)  # type: ignore[arg-type]
        return slim, repairs

    def _survey(self, plan: CutPlan, calibration: list[Batch]) -> Survey:

        with self.progress.step("survey"):
            return survey(
                self.base,
                calibration,
                plan,
                seed=self.job.seed,
                progress=self.progress,
                token_weights=self._by_fisher,
                gradient_moments=self._refines,
            )

    def _reconstruct(
        self, slim: PreTrainedModel, plan: CutPlan, calibration: list[Batch], surveys: Survey
    ) -> tuple[Repair, ...]:

        with self.progress.step("reconstruct"):
            return reconstruct(
                self.base,
                slim,
                plan,
                calibration,
                sensitivity=surveys.token_weights,
                gradient_moments=surveys.gradient_moments,
                ranks=self.job.ranks,
                seed=self.job.seed,
                progress=self.progress,
            )

    @property
    def _by_fisher(self) -> bool:
        """Whether the repair weights tokens by the gradient of the outputs."""
        section = self.prepared.recipe.recipe.reconstruct
        return section is not None and section.weights == "fisher"

    @property
    def _refines(self) -> bool:
        """Whether the repair fits all maps of narrowed blocks together."""
        section = self.prepared.recipe.recipe.reconstruct
        return section is not None and section.refine > 0

    @cached_property
    def _tokenizer(self) -> PreTrainedTokenizerBase:
        return load_tokenizer(self.prepared.source.directory)

    @property
    def _data(self) -> Splits:
        assert self.splits is not None  # noqa: S101 (a recipe that needs data is refused without)
        return self.splits

    def _calibration(self) -> list[Batch]:
        """Draw the calibration texts from the fit split."""
        section = self.prepared.recipe.recipe.reconstruct
        samples = (section or Reconstruct()).samples
        rows = draw_rows(self._data.fit, samples, seed=self.job.seed)
        if section is not None and len(rows) < samples:
            self.notes += (f"the fit split has {len(rows)} texts, the recipe asks for {samples}",)
        return self._batches(rows)

    def _batches(self, rows: Rows) -> list[Batch]:

        return batches(
            rows,
            self._tokenizer,
            batch_size=BATCH_SIZE,
            max_length=text_length(self.base.facts, self._tokenizer, rows.task),
            label=rows.task.makes_labels,
        )
