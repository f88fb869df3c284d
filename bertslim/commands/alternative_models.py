"""Models that could stand in for one that was cut, each made on the fit and select splits alone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from bertslim.commands.alternative_sources import Sources
from bertslim.commands.retrain_work import RetrainWork
from bertslim.commands.slim_result import SlimJob
from bertslim.data.splits import Splits
from bertslim.data.task import HeadFacts
from bertslim.devices import Device
from bertslim.errors import BertslimError
from bertslim.file_names import RECORD_FILE
from bertslim.measure.environment import usable_threads
from bertslim.model.checkpoint import Checkpoint, build_slim, load_checkpoint, save_checkpoint
from bertslim.model.copied_files import copy_files
from bertslim.model.model_source import ModelSource
from bertslim.model.static_embeddings import StaticEmbeddings
from bertslim.model.tokenizer import load_tokenizer
from bertslim.options.bench import BenchOptions
from bertslim.progress import Progress
from bertslim.ranks import Ranks
from bertslim.recipe.plan import make_plan
from bertslim.recipe.recipe_files import load_recipe
from bertslim.recipe.schema import Retrain
from bertslim.records import AlternativeRole, ComparedModel, read_record
from bertslim.records.sources import shown_source
from bertslim.surgery.layer_surgery import operate
from bertslim.training.static_head import fit_static, static_obstacle
from bertslim.training.training_options import TrainingOptions
from bertslim.wording import counted

FEWER_LAYERS = "drop_top_layers"
_BATCH_SIZE = 16


@dataclass(frozen=True)
class MadeModel:
    """A model that is ready to be written in every form.

    Attributes:
        record: How it was made.
        directory: Its checkpoint, or that of the model whose tokens it reads.
        static: What takes the place of that checkpoint's layers; None: they are run.
    """

    record: ComparedModel
    directory: Path
    static: StaticEmbeddings | None = None


@dataclass(frozen=True)
class AlternativeMaker:
    """Makes the models of one comparison.

    Attributes:
        options: What was asked for.
        sources: The models that were named.
        splits: The data, as the whole model reads them.
        device: Where the small one is trained.
        folder: Where checkpoints go.
        progress: Shows the steps.
        notes: Where it is noted what was left out, and why.
    """

    options: BenchOptions
    sources: Sources
    splits: Splits
    device: Device
    folder: Path
    progress: Progress
    notes: list[str]

    def make(self) -> Iterator[MadeModel]:
        """Make one after the other, the whole model first; what fails is noted and left out."""
        whole, names = self.sources.whole, [source.name for source in self.sources.given]
        yield MadeModel(self._record("whole", "whole", whole, "as it is"), whole.directory)
        for number, source in enumerate(self.sources.given):
            name = source.name if names.count(source.name) == 1 else f"{source.name} ({number + 1})"
            yield MadeModel(self._record(name, "given", source, _how(source)), source.directory)
        for what, make in (
            ("the whole model without its top layers", self._with_fewer_layers),
            ("a smaller pretrained encoder", self._small),
            ("static embeddings", self._static),
        ):
            try:
                yield make()
            except BertslimError as error:
                remedy = f" ({error.remedy})" if error.remedy else ""
                self.notes.append(f"{what}: left out: {error.what}{remedy}")

    def _with_fewer_layers(self) -> MadeModel:
        """Carry out the shipped recipe."""
        base, loaded = self._whole, load_recipe(FEWER_LAYERS)
        directory = self.folder / "fewer-layers"
        directory.mkdir()
        with self.progress.step("delete the top layers"):
            plan = make_plan(loaded, base.facts)
            base = load_checkpoint(base.directory)  # it is cut in place
            operate(base.model, plan)
            save_checkpoint(build_slim(base, plan.record), directory, base.extra, base.config)
            copy_files(base.directory, directory)
        deleted = len(base.facts.layers) - len(plan.record.slim_layers)
        made = (
            f"the upper {counted(deleted, 'layer', 'layers')} of the whole model deleted, by the "
            f"recipe {FEWER_LAYERS}, without repair or training"
        )
        record = self._record("top layers deleted", "fewer layers", self.sources.whole, made)
        return MadeModel(record, directory)

    def _small(self) -> MadeModel:
        """Fine-tune the small model, or take it as it is where there are no labels to train on."""
        source = self.sources.small
        if source is None:
            raise BertslimError("none is named", remedy="name one with --small-model")
        name = f"small ({source.name})"
        fit = self.splits.fit
        if fit.task.head == "" and self._whole.facts.head == "":
            made = "as it is: embeddings are not trained on labels"
            return MadeModel(self._record(name, "small", source, made), source.directory)
        if not (fit.task.trainable and fit.labelled):
            raise BertslimError(f"nothing is trained on rows of {fit.task.name}")
        directory = self.folder / "small"
        directory.mkdir()
        work = RetrainWork(
            self._training_job(source, directory),
            Retrain(epochs=self.options.small_epochs, batch_size=_BATCH_SIZE, dropout="keep"),
            HeadFacts(),
            None,
            self.splits,
            False,
            self.progress,
        )
        training = work.make().training
        work.save(directory)
        assert training is not None  # noqa: S101
        made = (
            f"fine-tuned on the labels of {counted(len(fit), 'row', 'rows')} for "
            f"{counted(training.steps, 'step', 'steps')}; of the scores on the select split the "
            f"best was after {training.best_step:,}"
        )
        record = self._record(name, "small", source, made)
        return MadeModel(record.model_copy(update={"training": training}), directory)

    def _static(self) -> MadeModel:
        """Take the token embeddings of the whole model, with a head fitted on the fit split."""
        whole = self._whole
        obstacle = static_obstacle(whole, self.splits.fit)
        if obstacle is not None:
            raise BertslimError(obstacle)
        with self.progress.step("fit static embeddings"):
            static = fit_static(whole, load_tokenizer(whole.directory), self.splits)
        made = "the mean of the whole model's token embeddings, without any layer"
        if static.head is not None:
            rows = counted(len(self.splits.fit), "row", "rows")
            made += f", under a logistic regression fitted on {rows}"
        record = self._record("static embeddings", "static", self.sources.whole, made)
        return MadeModel(record, whole.directory, static)

    @cached_property
    def _whole(self) -> Checkpoint:
        return load_checkpoint(self.sources.whole.directory)

    def _training_job(self, source: ModelSource, target: Path) -> SlimJob:
        seed = self.options.seed
        return SlimJob(
            kind="retrain",
            source=source,
            target=target,
            inputs=(),
            threads=usable_threads(self.options.threads),
            seed=seed,
            training=TrainingOptions(target, seed, resumable=False, device=self.device),
            ranks=Ranks(),
            command=(),
            force=False,
        )

    @staticmethod
    def _record(name: str, role: AlternativeRole, source: ModelSource, made: str) -> ComparedModel:
        return ComparedModel(name=name, role=role, source=shown_source(source.given), made=made)


def _how(source: ModelSource) -> str:
    """Say how a result was made, as far as its record does."""
    if not (source.directory / RECORD_FILE).is_file():
        return "as it is"
    record = read_record(source.directory)
    recipe = record.recipe.get("name") if record.recipe else None
    how = f"cut by the recipe {recipe}" if recipe else "trained by bertslim"
    return how
