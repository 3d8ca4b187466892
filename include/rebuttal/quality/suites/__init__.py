"""What must hold for each entity: one file an entity, each with `suite(latest)`, a list of expectations in order of
weight.

The first rule that a row breaks is its main reason; all of them are kept.
"""
