"""Options that several commands have, as the metadata of fields."""

from bertslim.option_fields import argument, option

MODEL = argument(
    "MODEL",
    help="A checkpoint: a local directory, pkg:NAME for one that an installed Python package "
    "carries, or a Hub id, with @ and a revision behind it if wanted.",
    role="input",
)
OUTPUT_DIRECTORY = option("-o", "--output", help="The directory to write.", role="output")
PUSH_TO_HUB = option(
    "--push-to-hub",
    help="Upload the result into this repository on the Hugging Face Hub, too; a new one is "
    "private. Local paths and texts of the data stay here.",
    metavar="ID",
    shown=False,
)
FORCE = option("--force", help="Replace an earlier output of bertslim.")
DEVICE = option(
    "--device",
    help="Where to compute: cpu, cuda (a GPU), or auto, a GPU if PyTorch has one. Models are timed "
    "on a GPU only with cuda.",
)
SEED = option("--seed", low=0, help="Seed of every random step.")
THREADS = option("--threads", low=1, help="Threads of each computation.", shown="all cores")
