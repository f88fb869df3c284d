"""Configurations put together from the library and run on texts, on few and then on more."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

import torch

from bertslim.ranks import Ranks
from bertslim.search.levels import Configuration
from bertslim.search.stitched import StitchedModels

_KEPT = 0.25  # of the configurations that are tried on more texts
_FEWEST = 2


@dataclass(frozen=True)
class Candidate:
    """A configuration that was put together and run.

    Attributes:
        configuration: The levels of each layer.
        damage: On the largest part of the texts that it was run on.
        texts: How many these are.
    """

    configuration: Configuration
    damage: float
    texts: int


@dataclass
class Trials:
    """Runs configurations, and remembers what they lost.

    Attributes:
        rungs: Texts to run them on, few and then more, by how many they are.
        ranks: The processes that share what is to be run, each with all of the texts.
        candidates: All that were run, by configuration.
        after_run: What is done each time that there are more.
    """

    rungs: Sequence[tuple[int, StitchedModels]]
    ranks: Ranks = field(default_factory=Ranks)
    candidates: dict[Configuration, Candidate] = field(default_factory=dict)
    after_run: Callable[[Trials], None] = lambda _: None

    @property
    def most_texts(self) -> int:
        """How many texts the last rung has."""
        return self.rungs[-1][0]

    def run(self, configurations: Iterable[Configuration], rung: int = 0) -> list[Candidate]:
        """Run configurations on the texts of a rung, those that were not run on as many.

        Each process runs its share of them.
        """
        asked = list(dict.fromkeys(configurations))
        texts, models = self.rungs[rung]
        new = [one for one in asked if not self._known(one, texts)]
        damages = torch.zeros(len(new), dtype=torch.float64)
        for number in self.ranks.share(range(len(new))):
            damages[number] = models.damage(new[number])
        for one, damage in zip(new, self.ranks.total(damages).tolist(), strict=True):
            self.candidates[one] = Candidate(one, damage, texts)
        if new:
            self.after_run(self)
        return [self.candidates[one] for one in asked]

    def climb(self, pool: Sequence[Configuration]) -> list[Candidate]:
        """Run configurations on the first rung, and the best quarter of each rung on the next one.

        Returns:
            All of them, from the best.
        """
        left = list(pool)
        for rung in range(len(self.rungs)):
            left = self.better_quarter(left, rung)
        return self.ranked(pool)

    def better_quarter(self, pool: Sequence[Configuration], rung: int) -> list[Configuration]:
        """Run configurations on a rung; return those that go on to the next, from the best."""
        run = sorted(self.run(pool, rung), key=lambda one: one.damage)
        best = run[: max(_FEWEST, math.ceil(_KEPT * len(run)))]
        return [one.configuration for one in best]

    def ranked(self, pool: Iterable[Configuration]) -> list[Candidate]:
        """Return those that were run, from the best; the ones run on more texts come first."""
        run = [self.candidates[one] for one in pool if one in self.candidates]
        return sorted(run, key=lambda one: (-one.texts, one.damage))

    def _known(self, configuration: Configuration, texts: int) -> bool:
        known = self.candidates.get(configuration)
        return known is not None and known.texts >= texts
