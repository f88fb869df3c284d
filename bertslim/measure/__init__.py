"""Measurement of sizes, latency, memory, fidelity and accuracy, each as a `Measurement`."""
