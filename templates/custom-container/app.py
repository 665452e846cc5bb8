"""Runs a program of the system, in an image of its own: the image has what no Python package brings."""

import subprocess
from pathlib import Path

import fal
from fal.container import ContainerImage
from fal.exceptions import AppException
from fastapi import Response
from pydantic import BaseModel, Field

IMAGE = ContainerImage.from_dockerfile_str(
    """
# Its Python must have the version of the one that deploys the app, such as 3.12.
FROM python:3.12-slim
# Install programs here, such as:
# RUN apt-get update && apt-get install --yes --no-install-recommends ffmpeg && rm -rf /var/lib/apt/lists/*
COPY measure.sh /usr/local/bin/measure
RUN chmod +x /usr/local/bin/measure
ENV MEASURED=lines,words,bytes
""",
    # The folder that COPY copies from.
    context_dir=Path(__file__).parent,
)


PROGRAM = "/usr/local/bin/measure"


class Input(BaseModel):
    text: str = Field(
        min_length=1, max_length=1_000_000, description="The text to measure.", examples=["Hello from\na container\n"]
    )


class Output(BaseModel):
    lines: int = Field(description="The line breaks in the text.", examples=[2])
    words: int = Field(examples=[4])
    bytes: int = Field(description="The size of the text in UTF-8.", examples=[23])


def measure(text: str) -> Output:
    try:
        done = subprocess.run([PROGRAM], input=text.encode(), capture_output=True, timeout=30, check=True)
    except subprocess.TimeoutExpired as error:
        raise AppException("Measuring took too long.", status_code=504) from error
    except subprocess.CalledProcessError as error:
        print(f"measure ended with {error.returncode}: {error.stderr.decode(errors='replace')}")
        raise AppException("The text could not be measured.", status_code=500) from error
    return Output(**dict(pair.split("=") for pair in done.stdout.decode().split()))


class CustomContainer(fal.App):
    app_name = "custom-container"
    kind = "container"
    image = IMAGE
    machine_type = "XS"
    keep_alive = 60

    def setup(self):
        # Without its program, the app fails here, when a runner starts, and not in the middle of a request.
        print(f"Ready: {measure('ready')}")

    @fal.endpoint("/health", health_check=fal.HealthCheck(timeout_seconds=10, failure_threshold=3))
    def health(self) -> dict:
        measure("healthy")
        return {}

    @fal.endpoint("/")
    def count(self, input: Input, response: Response) -> Output:
        output = measure(input.text)
        # One unit for each 1000 bytes that have begun.
        response.headers["x-fal-billable-units"] = str(-(-output.bytes // 1000))
        return output
