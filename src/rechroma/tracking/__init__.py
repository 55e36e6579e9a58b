"""MLflow: runs, queries, and the model registry."""
