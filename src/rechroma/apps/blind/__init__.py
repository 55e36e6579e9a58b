"""Blind comparisons: people vote on pairs of restorations without knowing whose they are."""
