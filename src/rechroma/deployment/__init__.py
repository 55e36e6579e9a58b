"""Trained models for use: loading, ONNX, MLflow's pyfunc, the bundled model."""
