"""Networks as ONNX files: written from torch, and asked without it."""
