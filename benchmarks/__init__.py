"""Studies that measure what bertslim does: a module or a package each, on the tools in `tools`."""
