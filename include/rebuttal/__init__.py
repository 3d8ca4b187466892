"""Rebuttal: from the objections that sales hears to content that answers them, measured and told."""
