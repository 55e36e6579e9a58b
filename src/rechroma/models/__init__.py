"""Networks, their weights, and model files on disk."""
