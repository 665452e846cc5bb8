"""Paints images of a text with a diffusion model."""

import os
import random
import tempfile
import time
from pathlib import Path

import fal
from fal.exceptions import FieldException, catch_gpu_exceptions
from fal.toolkit import Image
from fastapi import Response
from pydantic import BaseModel, Field

from tiny import make_tiny_model

MODEL = "stabilityai/stable-diffusion-xl-base-1.0"
# Set it where you deploy to try everything out on a CPU, with a small model of random weights.
TINY = os.environ.get("FAL_TEMPLATE_TINY") == "1"


class Input(BaseModel):
    prompt: str = Field(
        min_length=1,
        max_length=1000,
        description="What is in the image.",
        examples=["A lighthouse on a cliff at dawn, watercolor"],
    )
    negative_prompt: str = Field(
        default="", max_length=1000, description="What isn't in the image.", examples=["text, frame"]
    )
    width: int = Field(default=1024, ge=512, le=1536, multiple_of=64, description="In pixels.")
    height: int = Field(default=1024, ge=512, le=1536, multiple_of=64, description="In pixels.")
    num_images: int = Field(default=1, ge=1, le=4, description="How many images are made of the text.")
    steps: int = Field(default=30, ge=1, le=60, description="More steps give finer images, and take longer.")
    guidance: float = Field(default=5, ge=0, le=20, description="How closely the image follows the text.")
    seed: int | None = Field(
        default=None, ge=0, lt=2**32, description="The same seed makes the same images; default: a random one."
    )


class Output(BaseModel):
    images: list[Image] = Field(description="The images, as PNG files.")
    seed: int = Field(description="The seed that was used.", examples=[7])


class TextToImage(fal.App):
    app_name = "text-to-image"
    machine_type = "L" if TINY else "GPU-A100"
    keep_alive = 300
    max_concurrency = 2
    # A first start downloads the weights.
    startup_timeout = 1800
    local_python_modules = ["tiny"]
    requirements = [
        "torch==2.14.1",
        "diffusers==0.41.0",
        "transformers==5.20.2",
        "accelerate==1.15.0",
        "pillow==12.3.0",
    ]

    def setup(self):
        import torch
        from diffusers import DiffusionPipeline

        # fal keeps what Hugging Face downloads below /data/.cache/huggingface (HF_HOME): only the first runner of all
        # downloads the weights.
        name = make_tiny_model(Path(tempfile.mkdtemp())) if TINY else MODEL
        print(f"Loading {name} ...")
        started = time.monotonic()
        self.device = "cuda" if torch.cuda.is_available() else "cpu"
        dtype = torch.float16 if self.device == "cuda" else torch.float32
        pipeline = DiffusionPipeline.from_pretrained(name, dtype=dtype, variant="fp16", use_safetensors=True)
        self.pipeline = pipeline.to(self.device)
        self.pipeline.set_progress_bar_config(disable=True)
        # The first image is slow, because kernels are chosen and loaded: paint it here, so that no request waits.
        self._paint(Input(prompt="ready", width=512, height=512, steps=1, seed=0), 0)
        print(f"Ready in {time.monotonic() - started:.1f} s on {self.device}")

    @fal.endpoint("/health", health_check=fal.HealthCheck(timeout_seconds=10, failure_threshold=3))
    def health(self) -> dict:
        import torch

        # A runner whose GPU has failed is replaced.
        torch.zeros(1, device=self.device).item()
        return {}

    @fal.endpoint("/")
    def paint(self, input: Input, response: Response) -> Output:
        if not input.prompt.strip():
            raise FieldException("prompt", "There are no words in this text.")
        seed = random.randrange(2**32) if input.seed is None else input.seed
        started = time.monotonic()
        with catch_gpu_exceptions():
            pictures = self._paint(input, seed)
        print(f"Painted {len(pictures)} of {input.width} x {input.height} in {time.monotonic() - started:.1f} s")
        # The price is per million pixels.
        response.headers["x-fal-billable-units"] = f"{len(pictures) * input.width * input.height / 1e6:.8f}"
        return Output(images=[Image.from_pil(picture, format="png") for picture in pictures], seed=seed)

    def _paint(self, input: Input, seed: int) -> list:
        import torch

        def report(_pipeline, step: int, _timestep, values: dict) -> dict:
            if (step + 1) % 10 == 0:
                print(f"Step {step + 1} of {input.steps}")
            return values

        return self.pipeline(
            prompt=input.prompt,
            negative_prompt=input.negative_prompt,
            width=input.width,
            height=input.height,
            num_images_per_prompt=input.num_images,
            num_inference_steps=input.steps,
            guidance_scale=input.guidance,
            generator=torch.Generator(self.device).manual_seed(seed),
            callback_on_step_end=report,
        ).images
