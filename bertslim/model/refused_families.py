"""Why encoders that people bring are not supported, by their `model_type`."""

from __future__ import annotations

SPARSE = "its attention is sparse, and what it hands on is not verified"
NO_ENCODER = "it is not an encoder alone"
OWN_BLOCKS = "its layers are not one attention block and one FFN block"
PICTURES = "it reads pictures or pages beside the text"

REASONS = {
    "big_bird": SPARSE,
    "bigbird_pegasus": NO_ENCODER,
    "bart": NO_ENCODER,
    "canine": OWN_BLOCKS,
    "convbert": OWN_BLOCKS,
    "deberta": "query, key and value are one map with biases of its own, read head by head",
    "esm": "a head of its own reads the attention of all layers, and its activation is no module",
    "fnet": "it has no attention",
    "funnel": OWN_BLOCKS,
    "ibert": "its maps compute in whole numbers",
    "jina_embeddings_v3": "its maps have adapters beside them, one for each task",
    "layoutlmv2": PICTURES,
    "layoutlmv3": PICTURES,
    "led": NO_ENCODER,
    "longformer": SPARSE,
    "luke": "it reads entities beside the text",
    "mobilebert": OWN_BLOCKS,
    "modernbert-decoder": NO_ENCODER,
    "mt5": NO_ENCODER,
    "nystromformer": SPARSE,
    "reformer": OWN_BLOCKS,
    "squeezebert": "its maps are convolutions",
    "t5": NO_ENCODER,
    "xlnet": OWN_BLOCKS,
    "yoso": SPARSE,
}
