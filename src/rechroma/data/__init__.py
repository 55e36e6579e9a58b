"""Prepared data, read as training samples and as held-out photographs."""
