"""Reports: a record as Markdown, HTML and model card, and the tables of commands."""

import sys

from bertslim.callable_package import CallablePackage

sys.modules[__name__].__class__ = CallablePackage
