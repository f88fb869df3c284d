"""Analysis of layers: CKA of representations, linear probes, sensitivity to each block."""
