"""Analysis of layers: CKA of representations, linear probes, sensitivity to each block."""

import sys

from bertslim.callable_package import CallablePackage

sys.modules[__name__].__class__ = CallablePackage
