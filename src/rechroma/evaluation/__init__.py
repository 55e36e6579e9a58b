"""Scores with intervals, baselines, comparisons, and the submission."""
