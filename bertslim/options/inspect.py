"""The settings of `bertslim inspect`. Annotations are evaluated: the command line needs them."""

from dataclasses import dataclass, field

from bertslim.option_fields import OptionsModel
from bertslim.options.shared import MODEL


@dataclass(frozen=True)
class InspectOptions(OptionsModel):
    """The settings of `bertslim inspect`.

    Attributes:
        model: A local directory, `pkg:NAME` or a Hub id.
    """

    model: str = field(metadata=MODEL)
