"""Trained models in use: loading, ONNX, MLflow's pyfunc, the bundled model."""
