"""Serve an exported classifier over HTTP, with ONNX Runtime and a tokenizer alone.

python server.py my-classifier-drop_odd/onnx

curl localhost:8000 -d '{"texts": ["Works as described"]}'
"""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import uvicorn
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route
from tokenizers import Tokenizer

FILES = ("model_int8.onnx", "model.onnx")  # the first that is there is served
MOST_TEXTS = 64  # a request
MOST_TOKENS = 256  # a text


@dataclass(frozen=True)
class Classifier:
    """An exported classifier.

    Attributes:
        session: Runs the file.
        tokenizer: Pads and truncates.
        labels: Names of the classes, in the order of the outputs.
    """

    session: onnxruntime.InferenceSession
    tokenizer: Tokenizer
    labels: list[str]

    @classmethod
    def load(cls, folder: Path, threads: int) -> Classifier:
        """Load the first of FILES in a folder.

        Args:
            folder: That of the exported file, with `config.json` and `tokenizer.json`.
            threads: Of one call; 0: all cores.

        Raises:
            FileNotFoundError: None of the files is there.
        """
        path = next((path for name in FILES if (path := folder / name).is_file()), None)
        if path is None:
            raise FileNotFoundError(f"{folder}: holds none of {', '.join(FILES)}")
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        pad = config.get("pad_token_id") or 0
        tokenizer.enable_padding(pad_id=pad, pad_token=tokenizer.id_to_token(pad))
        tokenizer.enable_truncation(MOST_TOKENS)
        names = config["id2label"]
        labels = [names[key] for key in sorted(names, key=int)]
        return cls(onnxruntime.InferenceSession(path, options), tokenizer, labels)

    def __call__(self, texts: list[str]) -> list[dict[str, Any]]:
        """Return the most probable class of each text, with its probability."""
        encoded = self.tokenizer.encode_batch(texts)
        columns = {
            "input_ids": [one.ids for one in encoded],
            "attention_mask": [one.attention_mask for one in encoded],
            "token_type_ids": [one.type_ids for one in encoded],
        }
        inputs = {
            one.name: np.array(columns[one.name], dtype=np.int64)
            for one in self.session.get_inputs()
        }
        (logits,) = self.session.run(["logits"], inputs)
        shares = np.exp(logits - logits.max(axis=1, keepdims=True))
        shares /= shares.sum(axis=1, keepdims=True)
        return [
            {"label": self.labels[int(row.argmax())], "score": float(row.max())} for row in shares
        ]


def application(classifier: Classifier) -> Starlette:
    """Return the routes: `POST /` with texts, `GET /health`."""

    async def classify(request: Request) -> JSONResponse:
        try:
            texts = (await request.json())["texts"]
        except (ValueError, KeyError, TypeError):
            return JSONResponse({"error": 'send {"texts": ["…"]}'}, status_code=400)
        if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
            return JSONResponse({"error": "texts is a list of strings"}, status_code=400)
        if not 0 < len(texts) <= MOST_TEXTS:
            return JSONResponse({"error": f"send 1 to {MOST_TEXTS} texts"}, status_code=400)
        return JSONResponse(await run_in_threadpool(classifier, texts))

    async def health(_: Request) -> JSONResponse:
        return JSONResponse({"status": "ok"})

    return Starlette(routes=[Route("/", classify, methods=["POST"]), Route("/health", health)])


def main() -> None:
    """Serve the model of a folder."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("folder", type=Path, help="folder of the exported file")
    parser.add_argument("--host", default="0.0.0.0")  # noqa: S104 (a container is reached from outside)
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--threads", type=int, default=0, help="of one call; 0: all cores")
    given = parser.parse_args()
    classifier = Classifier.load(given.folder, given.threads)
    uvicorn.run(application(classifier), host=given.host, port=given.port)


if __name__ == "__main__":
    main()
