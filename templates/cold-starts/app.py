"""Embeds texts. What only the first runner of all must do is kept under /data, so that all others start fast."""

import os
import shutil
import tempfile
import time
from pathlib import Path

import fal
from fal.exceptions import FieldException, catch_gpu_exceptions
from fal.toolkit import synchronized_inductor_cache
from fastapi import Response
from pydantic import BaseModel, Field

from tiny import make_tiny_model

MODEL = "sentence-transformers/all-MiniLM-L6-v2"
# Set it where you deploy to try everything out on a CPU, with a small model of random weights.
TINY = os.environ.get("FAL_TEMPLATE_TINY") == "1"

# /data is the same disk for all runners. Change the number whenever the model or a package changes: what was kept
# before doesn't fit then, and the runners of the old revision still use it.
KEY = "cold-starts/1" + ("-tiny" if TINY else "")
KEPT = Path("/data", KEY)

# Every text has the same shape, so that one compiled graph is enough.
TOKENS = 128


class Input(BaseModel):
    text: str = Field(
        min_length=1,
        max_length=2000,
        description="The text; what is after its first 128 tokens doesn't count.",
        examples=["A lighthouse is a tower with a lamp."],
    )


class Start(BaseModel):
    packed: bool = Field(description="Whether the weights were read from the packed file under /data.")
    compiled: bool = Field(description="Whether compiled kernels were found under /data.")
    load_seconds: float = Field(description="How long the weights took.", examples=[0.4])
    compile_seconds: float = Field(description="How long compiling and the first text took.", examples=[2.1])


class Output(BaseModel):
    embedding: list[float] = Field(description="The text as a vector of length 1: near to those of similar texts.")
    start: Start = Field(description="How the runner that answered has started.")


def keep(name: str) -> None:
    """Downloads the model, and writes its configuration, tokenizer and packed weights to /data, all at once."""
    from flashpack import pack_to_file
    from transformers import AutoModel, AutoTokenizer

    print(f"Packing {name} ...")
    KEPT.parent.mkdir(parents=True, exist_ok=True)
    part = Path(tempfile.mkdtemp(dir=KEPT.parent))
    model = AutoModel.from_pretrained(name)
    model.config.save_pretrained(part)
    AutoTokenizer.from_pretrained(name).save_pretrained(part)
    # One file in the order in which it is read, without a copy of each tensor.
    pack_to_file(model, str(part / "model.flashpack"), target_dtype=None)
    try:
        # Other runners may look at any time: the folder gets its name when it is complete.
        part.rename(KEPT)
    except OSError:
        # Another runner was faster.
        shutil.rmtree(part)


class ColdStarts(fal.App):
    app_name = "cold-starts"
    machine_type = "L" if TINY else "GPU-A100"
    # Starts are cheap here, so a runner without requests ends soon.
    keep_alive = 10
    max_concurrency = 4
    # A first start downloads the weights and compiles.
    startup_timeout = 1800
    local_python_modules = ["tiny"]
    requirements = [
        "torch==2.14.1",
        "transformers==5.20.2",
        "accelerate==1.15.0",
        "flashpack==0.4.5",
    ]

    def setup(self):
        import torch
        from flashpack import assign_from_file
        from transformers import AutoConfig, AutoModel, AutoTokenizer

        self.device = "cuda" if torch.cuda.is_available() else "cpu"
        started = time.monotonic()
        packed = KEPT.is_dir()
        if not packed:
            keep(make_tiny_model(Path(tempfile.mkdtemp())) if TINY else MODEL)
        self.tokenizer = AutoTokenizer.from_pretrained(KEPT)
        model = AutoModel.from_config(AutoConfig.from_pretrained(KEPT))
        assign_from_file(model, str(KEPT / "model.flashpack"), device=self.device)
        model = model.to(self.device).eval()
        loaded = time.monotonic()

        # Reads the kernels that another runner on such a GPU has compiled, and keeps what is new.
        cache = Path("/tmp/inductor-cache")
        with synchronized_inductor_cache(KEY):
            compiled = cache.is_dir() and any(cache.iterdir())
            self.model = torch.compile(model, dynamic=False)
            # The first text compiles.
            self._embed("ready")
        ready = time.monotonic()
        self.start = Start(
            packed=packed, compiled=compiled, load_seconds=loaded - started, compile_seconds=ready - loaded
        )
        print(f"Ready on {self.device}: {self.start}")

    @fal.endpoint("/health", health_check=fal.HealthCheck(timeout_seconds=10, failure_threshold=3))
    def health(self) -> dict:
        import torch

        # A runner whose GPU has failed is replaced.
        torch.zeros(1, device=self.device).item()
        return {}

    @fal.endpoint("/")
    def embed(self, input: Input, response: Response) -> Output:
        if not input.text.strip():
            raise FieldException("text", "There are no words in this text.")
        with catch_gpu_exceptions():
            embedding = self._embed(input.text)
        response.headers["x-fal-billable-units"] = "1"
        return Output(embedding=embedding, start=self.start)

    def _embed(self, text: str) -> list[float]:
        import torch

        tokens = self.tokenizer(
            text, padding="max_length", truncation=True, max_length=TOKENS, return_tensors="pt"
        ).to(self.device)
        with torch.inference_mode():
            states = self.model(**tokens).last_hidden_state
            # The mean of the words, without padding.
            mask = tokens["attention_mask"].unsqueeze(-1)
            mean = (states * mask).sum(1) / mask.sum(1)
            return torch.nn.functional.normalize(mean.float(), dim=1)[0].tolist()
