"""The groups of commands that people use beside the stages; `rebuttal.cli` puts them together."""
