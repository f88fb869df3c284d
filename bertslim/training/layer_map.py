"""Which layer of the teacher each layer of the student is to be like."""

from __future__ import annotations

from collections.abc import Sequence

from bertslim.records import LayerPlan


def layer_map(student: int, teacher: int, plan: Sequence[LayerPlan] | None = None) -> list[int]:
    """Return the teacher's layer for each layer of the student, from the bottom up.

    A layer is to be like the one that it came from, and the last one like the teacher's last. Where
    it is not known what came from what, they are spread evenly.

    Args:
        student: Layers of the student.
        teacher: Layers of the teacher.
        plan: The change of the teacher's layers; None: not known.
    """
    if plan is not None:
        kept = [row.layer for row in plan if row.slim_layer is not None]
        return [*kept[:-1], teacher - 1]
    return [round((number + 1) * teacher / student) - 1 for number in range(student)]
