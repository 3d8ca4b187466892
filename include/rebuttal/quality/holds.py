"""Letting a held batch through: a person's decision, with the person's name on it."""

from __future__ import annotations

from rebuttal.context import Context
from rebuttal.errors import ConfigError
from rebuttal.quality.admit import RELEASED
from rebuttal.warehouse import batches, open_warehouse


def release(context: Context, batch_id: str, by: str) -> None:
    """Put a held batch back in the line; the next admission merges it in spite of the checks that held it.

    `by` names the person who answers for it. A batch that is incomplete or of a foreign account stays held. Raises
    ConfigError when the batch is not held or nobody is named.
    """
    if not by.strip():
        raise ConfigError("A hold is released by a named person", next_step="Say who decides")
    with open_warehouse(context.settings) as engine, engine.begin() as connection:
        batch = batches.find(connection, batch_id)
        if batch is None or batch.status != batches.HELD:
            raise ConfigError(f"Batch {batch_id} is not held", next_step="See `rebuttal account`")
        batches.set_status(connection, batch, batches.LANDED, f"{RELEASED}{by.strip()} ({batch.status_reason})")
