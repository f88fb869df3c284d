"""Export of checkpoints to ONNX, OpenVINO IR and `torch.export`."""

import sys

from bertslim.callable_package import CallablePackage

sys.modules[__name__].__class__ = CallablePackage
