"""Scores with confidence intervals, baselines, comparisons of models, and the submission."""
