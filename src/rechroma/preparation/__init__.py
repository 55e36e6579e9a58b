"""A source of photographs becomes prepared data."""
