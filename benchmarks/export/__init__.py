"""What bertslim's ONNX files take against others, `run.py`, and what int8 costs."""
