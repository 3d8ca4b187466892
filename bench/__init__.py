"""Measuring: speed as ratios, numbers against the hidden truth, and what a kill leaves behind."""
