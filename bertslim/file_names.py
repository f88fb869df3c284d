"""The names of the files in a checkpoint, and of those that bertslim writes beside its weights."""

from __future__ import annotations

CONFIG_FILE = "config.json"
SLIM_CODE_FILE = "slim_modeling.py"
FAMILIES_CODE_FILE = "families.py"
MODULES_FILE = "modules.json"
SENTENCE_TRANSFORMERS_FILE = "config_sentence_transformers.json"
TOKENIZER_FILE = "tokenizer.json"
TOKENIZER_CONFIG_FILE = "tokenizer_config.json"
ADDED_TOKENS_FILE = "added_tokens.json"
SINGLE_WEIGHT_FILES = ("model.safetensors", "pytorch_model.bin")
WEIGHT_INDEX_SUFFIX = ".index.json"

CARD_FILE = "README.md"
RECORD_FILE = "bertslim.json"
ANALYSIS_FILE = "analysis.json"
RECIPE_FILE = "recipe.yaml"
FRONTIER_FILE = "frontier.json"
FRONTIER_PAGE = "frontier.html"
FRONTIER_PICTURE = "frontier.svg"
RECOMMENDED_RECIPE_FILE = "recommended.yaml"
REPORT_FILE = "report.md"
PAGE_FILE = "report.html"
FILE_LIST = ".bertslim-files.json"
