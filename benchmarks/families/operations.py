"""What the families benchmark cuts, and what makes up for each cut."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from bertslim.recipe.schema import Recipe

SAMPLES = 512
SINGLE_LAYERS = {"layers": "odd"}
SEVERAL_LAYERS = {"layers": "last 2"}
ALL_LAYERS = {"layers": "all"}


@dataclass(frozen=True)
class Operation:
    """One operation, without what repairs it and with it.

    Attributes:
        name: For the files of results.
        title: For the table.
        step: The operation without its layers.
        layers: Its layers; empty where it is not about layers.
        repair: The keys that are added to it for the repair.
        repaired: Whether there is a repair.
    """

    name: str
    title: str
    step: Mapping[str, Any]
    layers: Mapping[str, Any] = field(default_factory=lambda: SINGLE_LAYERS)
    repair: Mapping[str, Any] = field(default_factory=dict)
    repaired: bool = True

    def recipe(self, layers: Mapping[str, Any], *, repair: bool) -> Recipe:
        """Return the recipe that carries it out on these layers."""
        step = {**self.step, **layers, **(self.repair if repair else {})}
        section = {"reconstruct": {"samples": SAMPLES}} if repair else {}
        name = f"{self.name}_repaired" if repair else self.name
        found = {"version": 1, "name": name, "surgery": [step], **section}
        return Recipe.model_validate(found)


_RESIZE = {"op": "resize_ffn", "width": 0.25}

OPERATIONS = (
    Operation("drop_ffn", "drop FFN", {"op": "drop_ffn"}),
    Operation("fill_linear", "linear fill", {"op": "drop_ffn"}, repair={"fill": "linear"}),
    Operation("fill_attention", "attention fill", {"op": "drop_ffn"}, repair={"fill": "attention"}),
    Operation("resize_ffn", "resize FFN", _RESIZE),
    Operation("bypass", "resize, bypass", _RESIZE, repair={"bypass": True}),
    Operation("share_ffn", "share FFN", {"op": "share_ffn"}, SEVERAL_LAYERS),
    Operation("scale_ffn", "scale FFN", {"op": "scale_ffn", "gain": 0.5}),
    Operation("prune_heads", "prune heads", {"op": "prune_heads", "heads": 0.5}),
    Operation("drop_attention", "drop attention", {"op": "drop_attention"}),
    Operation("drop_layer", "drop layer", {"op": "drop_layer"}),
    Operation("prune_vocab", "prune vocabulary", {"op": "prune_vocab"}, {}, repaired=False),
    Operation("halve_width", "even width", _RESIZE | {"width": 0.5}, ALL_LAYERS),
)
