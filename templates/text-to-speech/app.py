"""Reads a text aloud, with a VITS model."""

import io
import os
import tempfile
import time
import wave
from pathlib import Path

import fal
from fal.exceptions import FieldException, catch_gpu_exceptions
from fal.toolkit import Audio
from fastapi import Response
from pydantic import BaseModel, Field

from tiny import make_tiny_model

# One of more than 1,000 languages: "deu", "fra" and others at the end. Not for commercial use.
MODEL = "facebook/mms-tts-eng"
# Set it where you deploy to try everything out on a CPU, with a small model of random weights.
TINY = os.environ.get("FAL_TEMPLATE_TINY") == "1"


class Input(BaseModel):
    text: str = Field(
        min_length=1,
        max_length=2000,
        description="The text to read.",
        examples=["A lighthouse is a tower with a lamp."],
    )
    speed: float = Field(default=1, ge=0.5, le=2, description="1 is normal; more is faster.")
    seed: int = Field(
        default=0, ge=0, lt=2**32, description="The same seed reads the same text in the same way."
    )


class Output(BaseModel):
    audio: Audio = Field(description="The recording, a WAV file.")
    seconds: float = Field(description="The length of the recording.", examples=[2.4])


class TextToSpeech(fal.App):
    app_name = "text-to-speech"
    machine_type = "L" if TINY else "GPU-A100"
    keep_alive = 300
    max_concurrency = 2
    # A first start downloads the weights.
    startup_timeout = 1800
    local_python_modules = ["tiny"]
    requirements = [
        "torch==2.14.1",
        "transformers==5.20.2",
        "accelerate==1.15.0",
    ]

    def setup(self):
        import torch
        from transformers import AutoTokenizer, VitsModel

        # fal keeps what Hugging Face downloads below /data/.cache/huggingface (HF_HOME): only the first runner of all
        # downloads the weights.
        name = make_tiny_model(Path(tempfile.mkdtemp())) if TINY else MODEL
        print(f"Loading {name} ...")
        started = time.monotonic()
        self.device = "cuda" if torch.cuda.is_available() else "cpu"
        self.tokenizer = AutoTokenizer.from_pretrained(name)
        self.model = VitsModel.from_pretrained(name).to(self.device)
        # The first text is slow, because kernels are chosen and loaded: read it here, so that no request waits.
        self._read(Input(text="ready"))
        print(f"Ready in {time.monotonic() - started:.1f} s on {self.device}")

    @fal.endpoint("/health", health_check=fal.HealthCheck(timeout_seconds=10, failure_threshold=3))
    def health(self) -> dict:
        import torch

        # A runner whose GPU has failed is replaced.
        torch.zeros(1, device=self.device).item()
        return {}

    @fal.endpoint("/")
    def read(self, input: Input, response: Response) -> Output:
        started = time.monotonic()
        with catch_gpu_exceptions():
            samples = self._read(input)
        rate = self.model.config.sampling_rate
        print(f"Read {len(input.text)} characters, {len(samples) / rate:.1f} s, in {time.monotonic() - started:.1f} s")
        file = io.BytesIO()
        with wave.open(file, "wb") as recording:
            recording.setnchannels(1)
            recording.setsampwidth(2)
            recording.setframerate(rate)
            recording.writeframes((samples.clip(-1, 1) * 32767).astype("<i2").tobytes())
        # The price is per 1000 characters.
        response.headers["x-fal-billable-units"] = f"{len(input.text) / 1000:.8f}"
        audio = Audio.from_bytes(file.getvalue(), content_type="audio/wav", file_name="speech.wav")
        return Output(audio=audio, seconds=len(samples) / rate)

    def _read(self, input: Input):
        import torch

        letters = self.tokenizer(input.text, return_tensors="pt").to(self.device)
        if letters["input_ids"].shape[1] < 2:
            raise FieldException("text", "There is nothing in this text that the voice can read.")
        torch.manual_seed(input.seed)
        self.model.speaking_rate = input.speed
        with torch.inference_mode():
            return self.model(**letters).waveform[0].float().cpu().numpy()
