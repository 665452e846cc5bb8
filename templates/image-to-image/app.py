"""Paints a picture again, as a text says, with a diffusion model."""

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

# A small picture, so that a first call needs no file: a red square on a white one.
SQUARE = (
    "data:image/png;base64,"
    "iVBORw0KGgoAAAANSUhEUgAAAEAAAABACAIAAAAlC+aJAAAAaklEQVR42u3asQ2AMAwAwRgxTiZIw+w0TMA+zgwpImRx31vySS4d"
    "mdkqd7TiAQAAAAAAAAAAAHzXuTpwj751oet5nRAAAAAAAAAAAAAAAAAAAAAAAAAAAADA3sK/EAAAAAAAAAAAAMBvARMF4Al7Z7mS"
    "RwAAAABJRU5ErkJggg=="
)


class Input(BaseModel):
    # Callers send an address or a data URI; the clients upload a file, and send its address.
    image: Image = Field(description="The picture to begin with: an https URL or a data URI.", examples=[SQUARE])
    prompt: str = Field(
        min_length=1,
        max_length=1000,
        description="What the new image shows.",
        examples=["A red barn in the snow, watercolor"],
    )
    negative_prompt: str = Field(
        default="", max_length=1000, description="What isn't in the image.", examples=["text, frame"]
    )
    strength: float = Field(
        default=0.6, ge=0.1, le=1, description="How much changes: 0.1 is almost nothing, 1 is everything."
    )
    size: int = Field(default=1024, ge=512, le=1536, multiple_of=64, description="The longer side, in pixels.")
    steps: int = Field(default=30, ge=10, le=60, description="More steps give finer images, and take longer.")
    guidance: float = Field(default=5, ge=0, le=20, description="How closely the image follows the text.")
    seed: int | None = Field(
        default=None, ge=0, lt=2**32, description="The same seed makes the same image; default: a random one."
    )


class Output(BaseModel):
    image: Image = Field(description="The new image, a PNG file.")
    seed: int = Field(description="The seed that was used.", examples=[7])


def open_picture(image: Image, size: int):
    """The picture in the size of the new one: its longer side as asked for, both sides divisible by 64."""
    from PIL import UnidentifiedImageError

    try:
        # Downloads from public addresses only: an app must not fetch what is inside its own network.
        picture = image.to_pil()
    except UnidentifiedImageError as error:
        raise FieldException("image", "This is not a picture.") from error
    except Exception as error:
        raise FieldException("image", f"The picture could not be read: {error}") from error
    scale = size / max(picture.size)
    sides = [max(1, round(side * scale / 64)) * 64 for side in picture.size]
    if min(sides) < 256:
        raise FieldException("image", "The picture is too narrow: one side may be up to 4 times the other.")
    return picture.resize(sides)


class ImageToImage(fal.App):
    app_name = "image-to-image"
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
        from diffusers import AutoPipelineForImage2Image
        from PIL import Image as PILImage

        # fal keeps what Hugging Face downloads below /data/.cache/huggingface (HF_HOME): only the first runner of all
        # downloads the weights.
        name = make_tiny_model(Path(tempfile.mkdtemp())) if TINY else MODEL
        print(f"Loading {name} ...")
        started = time.monotonic()
        self.device = "cuda" if torch.cuda.is_available() else "cpu"
        dtype = torch.float16 if self.device == "cuda" else torch.float32
        pipeline = AutoPipelineForImage2Image.from_pretrained(
            name, dtype=dtype, variant="fp16", use_safetensors=True
        )
        self.pipeline = pipeline.to(self.device)
        self.pipeline.set_progress_bar_config(disable=True)
        # The first image is slow, because kernels are chosen and loaded: paint it here, so that no request waits.
        ready = Input(image=SQUARE, prompt="ready", strength=0.1, steps=10)
        self._paint(ready, PILImage.new("RGB", (512, 512), "white"), 0)
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
        picture = open_picture(input.image, input.size)
        seed = random.randrange(2**32) if input.seed is None else input.seed
        started = time.monotonic()
        with catch_gpu_exceptions():
            painted = self._paint(input, picture, seed)
        print(f"Painted {painted.width} x {painted.height} in {time.monotonic() - started:.1f} s")
        # The price is per million pixels.
        response.headers["x-fal-billable-units"] = f"{painted.width * painted.height / 1e6:.8f}"
        return Output(image=Image.from_pil(painted, format="png"), seed=seed)

    def _paint(self, input: Input, picture, seed: int):
        import torch

        return self.pipeline(
            prompt=input.prompt,
            negative_prompt=input.negative_prompt,
            image=picture,
            strength=input.strength,
            num_inference_steps=input.steps,
            guidance_scale=input.guidance,
            generator=torch.Generator(self.device).manual_seed(seed),
        ).images[0]
