"""Export of checkpoints to ONNX, OpenVINO IR and `torch.export`."""
