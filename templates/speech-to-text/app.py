"""Writes down what is said in a recording, with Whisper."""

import os
import tempfile
import time
from pathlib import Path
from typing import Literal
from urllib.request import urlopen

import fal
from fal.exceptions import FieldException, catch_gpu_exceptions
from fal.toolkit import Audio, download_file
from fastapi import Response
from pydantic import BaseModel, Field

from tiny import make_tiny_model

MODEL = "openai/whisper-large-v3-turbo"
# Set it where you deploy to try everything out on a CPU, with a small model of random weights.
TINY = os.environ.get("FAL_TEMPLATE_TINY") == "1"

# What Whisper hears: samples per second, and seconds at a time.
RATE = 16_000
WINDOW = 30
MAX_SECONDS = 3600
MAX_MEGABYTES = 200

# A tenth of a second of silence, so that a first call needs no file.
SILENCE = (
    "data:audio/mpeg;base64,"
    "SUQzBAAAAAAAI1RTU0UAAAAPAAADTGF2ZjYyLjEyLjEwMQAAAAAAAAAAAAAA//NYwAAAAAAAAAAAAEluZm8AAAAPAAAABQAAAWgA"
    "mZmZmZmZmZmZmZmZmZmZmZmZmbOzs7Ozs7Ozs7Ozs7Ozs7Ozs7OzzMzMzMzMzMzMzMzMzMzMzMzMzMzm5ubm5ubm5ubm5ubm5ubm"
    "5ubm5v//////////////////////////AAAAAExhdmYAAAAAAAAAAAAAAAAAAAAAACQCwAAAAAAAAAForWajLQAAAAAAAAAAAAAA"
    "//MYxAAAAANIAAAAAExBTUUzLjEwMFVVVVVVVVVVVVVVVVVV//MYxBcAAANIAAAAAFVVVVVVVVVVVVVVVVVVVVVVVVVVVVVV//MY"
    "xC4AAANIAAAAAFVVVVVVVVVVVVVVVVVVVVVVVVVVVVVV//MYxEUAAANIAAAAAFVVVVVVVVVVVVVVVVVVVVVVVVVVVVVV//MYxFwA"
    "AANIAAAAAFVVVVVVVVVVVVVVVVVVVVVVVVVVVVVV"
)


class Input(BaseModel):
    # Callers send an address or a data URI; the clients upload a file, and send its address.
    audio: Audio = Field(
        description="The recording, audio or video of any common format: an https URL or a data URI.",
        examples=[SILENCE],
    )
    language: Literal["en", "de", "es", "fr", "it", "ja", "ko", "nl", "pl", "pt", "ru", "tr", "zh"] | None = Field(
        default=None, description="The language that is spoken; default: the one that is heard."
    )
    task: Literal["transcribe", "translate"] = Field(
        default="transcribe", description="`translate`: write it in English, whatever is spoken."
    )
    max_tokens: int = Field(
        default=440, ge=1, le=440, description="How much is written for 30 seconds of the recording, at most."
    )


class Segment(BaseModel):
    start: float = Field(description="In seconds.", examples=[0])
    end: float = Field(description="In seconds.", examples=[30])
    text: str


class Output(BaseModel):
    text: str = Field(description="What is said.", examples=["A lighthouse is a tower with a lamp."])
    segments: list[Segment] = Field(description="The same, for every 30 seconds of the recording.")
    seconds: float = Field(description="The length of the recording.", examples=[12.5])


def fetch(url: str, folder: str) -> Path:
    if not url.startswith("data:"):
        # Downloads from public addresses only: an app must not fetch what is inside its own network.
        return download_file(url, folder, filesize_limit=MAX_MEGABYTES)
    file = Path(folder, "recording")
    with urlopen(url) as data:
        file.write_bytes(data.read())
    return file


def listen(audio: Audio):
    """The samples of a recording, as Whisper hears them."""
    import av
    import numpy

    with tempfile.TemporaryDirectory() as folder:
        try:
            file = fetch(audio.url, folder)
        except Exception as error:
            raise FieldException("audio", f"The recording could not be downloaded: {error}") from error
        try:
            pieces = []
            seconds = 0.0
            with av.open(str(file)) as recording:
                resampler = av.AudioResampler(format="flt", layout="mono", rate=RATE)
                for frame in recording.decode(audio=0):
                    pieces += [piece.to_ndarray()[0] for piece in resampler.resample(frame)]
                    seconds += frame.samples / frame.sample_rate
                    if seconds > MAX_SECONDS:
                        raise FieldException("audio", f"The recording is longer than {MAX_SECONDS // 60} minutes.")
                pieces += [piece.to_ndarray()[0] for piece in resampler.resample(None)]
        except (av.FFmpegError, IndexError) as error:
            raise FieldException("audio", "There is no sound in this file.") from error
    if not pieces:
        raise FieldException("audio", "There is no sound in this file.")
    return numpy.concatenate(pieces)


class SpeechToText(fal.App):
    app_name = "speech-to-text"
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
        "av==17.1.0",
    ]

    def setup(self):
        import numpy
        import torch
        from transformers import WhisperForConditionalGeneration, WhisperProcessor

        # fal keeps what Hugging Face downloads below /data/.cache/huggingface (HF_HOME): only the first runner of all
        # downloads the weights.
        name = make_tiny_model(Path(tempfile.mkdtemp())) if TINY else MODEL
        print(f"Loading {name} ...")
        started = time.monotonic()
        self.device = "cuda" if torch.cuda.is_available() else "cpu"
        self.dtype = torch.float16 if self.device == "cuda" else torch.float32
        self.processor = WhisperProcessor.from_pretrained(name)
        model = WhisperForConditionalGeneration.from_pretrained(name, dtype=self.dtype)
        self.model = model.to(self.device)
        # The first recording is slow, because kernels are chosen and loaded: do it here, so that no request waits.
        self._write(numpy.zeros(RATE, "float32"), Input(audio=SILENCE, language="en", max_tokens=2))
        print(f"Ready in {time.monotonic() - started:.1f} s on {self.device}")

    @fal.endpoint("/health", health_check=fal.HealthCheck(timeout_seconds=10, failure_threshold=3))
    def health(self) -> dict:
        import torch

        # A runner whose GPU has failed is replaced.
        torch.zeros(1, device=self.device).item()
        return {}

    @fal.endpoint("/")
    def transcribe(self, input: Input, response: Response) -> Output:
        samples = listen(input.audio)
        seconds = len(samples) / RATE
        print(f"Heard {seconds:.1f} s")
        started = time.monotonic()
        segments = []
        for at in range(0, len(samples), RATE * WINDOW):
            window = samples[at : at + RATE * WINDOW]
            with catch_gpu_exceptions():
                text = self._write(window, input)
            segments.append(Segment(start=at / RATE, end=(at + len(window)) / RATE, text=text))
            # Who waits in the queue sees it in the logs of the request.
            print(f"Wrote {segments[-1].end:.0f} of {seconds:.0f} s in {time.monotonic() - started:.1f} s")
        # The price is per minute of the recording.
        response.headers["x-fal-billable-units"] = f"{seconds / 60:.8f}"
        text = " ".join(segment.text for segment in segments if segment.text)
        return Output(text=text, segments=segments, seconds=seconds)

    def _write(self, samples, input: Input) -> str:
        heard = self.processor(samples, sampling_rate=RATE, return_tensors="pt", return_attention_mask=True)
        tokens = self.model.generate(
            input_features=heard["input_features"].to(self.device, self.dtype),
            attention_mask=heard["attention_mask"].to(self.device),
            language=input.language,
            task=input.task,
            max_new_tokens=input.max_tokens,
        )
        return self.processor.batch_decode(tokens, skip_special_tokens=True)[0].strip()
