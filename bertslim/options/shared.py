"""Options that several commands have, as the metadata of fields."""

from bertslim.option_fields import argument, option

MODEL = argument(
    "MODEL",
    help="A checkpoint: a local directory, pkg:NAME for one that an installed Python package "
    "carries, or a Hub id.",
)
OUTPUT_DIRECTORY = option("-o", "--output", help="The directory to write.")
FORCE = option("--force", help="Replace the output if it exists already.")
SEED = option("--seed", low=0, help="Seed of every random step.")
THREADS = option("--threads", low=1, help="Threads of each computation.", shown="all cores")
