"""Films a text with a diffusion model. A video takes minutes: callers wait in the queue and follow the logs."""

import os
import random
import tempfile
import time
from fractions import Fraction
from pathlib import Path

import fal
from fal.exceptions import FieldException, catch_gpu_exceptions
from fal.toolkit import Video
from fastapi import Response
from pydantic import BaseModel, Field

from tiny import make_tiny_model

MODEL = "Wan-AI/Wan2.1-T2V-1.3B-Diffusers"
# Set it where you deploy to try everything out on a CPU, with a small model of random weights.
TINY = os.environ.get("FAL_TEMPLATE_TINY") == "1"
FRAMES_PER_SECOND = 16


class Input(BaseModel):
    prompt: str = Field(
        min_length=1,
        max_length=1000,
        description="What happens in the video.",
        examples=["Waves roll against a lighthouse at dawn, seen from a boat"],
    )
    negative_prompt: str = Field(
        default="", max_length=1000, description="What isn't in the video.", examples=["text, still image"]
    )
    width: int = Field(default=832, ge=128, le=832, multiple_of=16, description="In pixels.")
    height: int = Field(default=480, ge=128, le=832, multiple_of=16, description="In pixels.")
    frames: int = Field(default=81, ge=5, le=81, description="16 a second; 4 times a whole number, plus 1.")
    steps: int = Field(default=30, ge=1, le=60, description="More steps give finer videos, and take longer.")
    guidance: float = Field(default=5, ge=0, le=20, description="How closely the video follows the text.")
    seed: int | None = Field(
        default=None, ge=0, lt=2**32, description="The same seed makes the same video; default: a random one."
    )


class Output(BaseModel):
    video: Video = Field(description="The video, an MP4 file.")
    seed: int = Field(description="The seed that was used.", examples=[7])
    seconds: float = Field(description="The length of the video.", examples=[5.1])


def write_video(frames, file: Path) -> None:
    """H.264 in MP4, which every browser plays."""
    import av

    with av.open(str(file), "w", options={"movflags": "faststart"}) as container:
        stream = container.add_stream("libx264", rate=FRAMES_PER_SECOND)
        stream.height, stream.width = frames.shape[1:3]
        stream.pix_fmt = "yuv420p"
        for number, frame in enumerate(frames):
            picture = av.VideoFrame.from_ndarray(frame, format="rgb24")
            picture.pts, picture.time_base = number, Fraction(1, FRAMES_PER_SECOND)
            container.mux(stream.encode(picture))
        container.mux(stream.encode(None))


class TextToVideo(fal.App):
    app_name = "text-to-video"
    machine_type = "L" if TINY else "GPU-A100"
    keep_alive = 300
    max_concurrency = 2
    # A first start downloads the weights.
    startup_timeout = 1800
    # A video takes minutes.
    request_timeout = 1800
    local_python_modules = ["tiny"]
    requirements = [
        "torch==2.14.1",
        "diffusers==0.41.0",
        "transformers==5.20.2",
        "accelerate==1.15.0",
        "ftfy==6.3.1",
        "av==17.1.0",
    ]

    def setup(self):
        import torch
        from diffusers import AutoencoderKLWan, WanPipeline

        # fal keeps what Hugging Face downloads below /data/.cache/huggingface (HF_HOME): only the first runner of all
        # downloads the weights.
        name = make_tiny_model(Path(tempfile.mkdtemp())) if TINY else MODEL
        print(f"Loading {name} ...")
        started = time.monotonic()
        self.device = "cuda" if torch.cuda.is_available() else "cpu"
        dtype = torch.bfloat16 if self.device == "cuda" else torch.float32
        # Frames are decoded in higher precision.
        vae = AutoencoderKLWan.from_pretrained(name, subfolder="vae", dtype=torch.float32)
        self.pipeline = WanPipeline.from_pretrained(name, vae=vae, dtype=dtype).to(self.device)
        self.pipeline.set_progress_bar_config(disable=True)
        # The first video is slow, because kernels are chosen and loaded: film here, so that no request waits.
        self._film(Input(prompt="ready", width=128, height=128, frames=5, steps=1), 0)
        print(f"Ready in {time.monotonic() - started:.1f} s on {self.device}")

    @fal.endpoint("/health", health_check=fal.HealthCheck(timeout_seconds=30, failure_threshold=3))
    def health(self) -> dict:
        import torch

        # A runner whose GPU has failed is replaced.
        torch.zeros(1, device=self.device).item()
        return {}

    @fal.endpoint("/")
    def film(self, input: Input, response: Response) -> Output:
        if not input.prompt.strip():
            raise FieldException("prompt", "There are no words in this text.")
        if input.frames % 4 != 1:
            raise FieldException("frames", "Use 4 times a whole number, plus 1: 5, 9, 13 ... 81.")
        seed = random.randrange(2**32) if input.seed is None else input.seed
        with catch_gpu_exceptions():
            frames = self._film(input, seed)
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder, "video.mp4")
            write_video(frames, file)
            video = Video.from_path(file, content_type="video/mp4")
        seconds = len(frames) / FRAMES_PER_SECOND
        # The price is per second of video.
        response.headers["x-fal-billable-units"] = f"{seconds:.8f}"
        return Output(video=video, seed=seed, seconds=seconds)

    def _film(self, input: Input, seed: int):
        import torch

        started = time.monotonic()

        def report(_pipeline, step: int, _timestep, values: dict) -> dict:
            passed = time.monotonic() - started
            left = passed / (step + 1) * (input.steps - step - 1)
            # Callers in the queue see the logs of their request while it runs.
            print(f"Step {step + 1} of {input.steps}, {passed:.0f} s passed, about {left:.0f} s left")
            return values

        frames = self.pipeline(
            prompt=input.prompt,
            negative_prompt=input.negative_prompt,
            width=input.width,
            height=input.height,
            num_frames=input.frames,
            num_inference_steps=input.steps,
            guidance_scale=input.guidance,
            generator=torch.Generator(self.device).manual_seed(seed),
            callback_on_step_end=report,
        ).frames[0]
        return (frames.clip(0, 1) * 255).round().astype("uint8")
