"""Prepared data as samples for training and as photographs for evaluation."""
