"""What a model is to be within, as the options of `bertslim search`, and of `bertslim cut`."""

from dataclasses import dataclass, field

from bertslim.errors import InputError
from bertslim.option_fields import OptionsModel
from bertslim.options.cut import CutOptions
from bertslim.options.search import (
    TARGET_BYTES,
    TARGET_LATENCY,
    TARGET_PARAMS,
    SearchOptions,
)


@dataclass(frozen=True)
class CutTarget(OptionsModel):
    """A target in place of a recipe: `bertslim cut` then searches for the recipe.

    Attributes:
        target_latency: As `SearchOptions` has it, as are the others.
        target_params: The most parameters.
        target_bytes: The most bytes on disk of the weights.
    """

    target_latency: str | None = field(default=None, metadata=TARGET_LATENCY)
    target_params: str | None = field(default=None, metadata=TARGET_PARAMS)
    target_bytes: str | None = field(default=None, metadata=TARGET_BYTES)

    @property
    def asked(self) -> bool:
        """Whether there is any."""
        return any((self.target_latency, self.target_params, self.target_bytes))

    def search(self, options: CutOptions) -> SearchOptions:
        """Return the search for the cut that is asked for; all else is as a search has it.

        Args:
            options: The cut. A search times models at one shape, the first of those that are named.

        Raises:
            InputError: A recipe is named as well, there are no texts, or an option is given that a
                search has not.
        """
        if options.recipe is not None:
            raise InputError(
                "a recipe says what to cut already", where="--recipe", remedy="leave out the target"
            )
        if options.data is None:
            raise InputError(
                "a cut within a target is searched for on texts, and none are named",
                where="--data",
                remedy="give a file or data set; with labels the drop in accuracy is shown",
            )
        if options.push_to_hub is not None:
            raise InputError(
                "what a search finds is not uploaded",
                where="--push-to-hub",
                remedy="cut by the recipe.yaml that it writes",
            )
        measure = options.measure
        return SearchOptions(
            options.model,
            options.data,
            target_latency=self.target_latency,
            target_params=self.target_params,
            target_bytes=self.target_bytes,
            batch=measure.batches[0] if measure else 1,
            length=measure.lengths[0] if measure and measure.lengths else None,
            output=options.output,
            seed=options.seed,
            threads=options.threads,
            device=options.device,
            force=options.force,
            command=options.command,
        )
