"""Runs in an image of a private registry, with what your team has put into it."""

import os
import platform
import sys

import fal
from fal.container import ContainerImage
from fal.exceptions import FieldException
from fastapi import Response
from pydantic import BaseModel, Field

# The image, which begins with the host of its registry. It needs a Python of the version that deploys the app, first on
# its PATH.
BASE = "registry.example.com/team/python:3.12"


def login() -> dict:
    """The login to the registry, for the machine that deploys: it is not kept with the app."""
    user, password = os.environ.get("REGISTRY_USER"), os.environ.get("REGISTRY_PASSWORD")
    if not user or not password:
        # The editor and `fal run` read this file, too: the registry refuses if there is no login.
        print("REGISTRY_USER and REGISTRY_PASSWORD are not set: the image can't be pulled.", file=sys.stderr)
        return {}
    return {f"https://{BASE.split('/')[0]}/v2/": {"username": user, "password": password}}


IMAGE = ContainerImage.from_dockerfile_str(
    f"""
FROM {BASE}
# Install here what this app needs in addition, such as:
# RUN pip install --no-cache-dir einops==0.8.2
ENV GREETING="Hello from a private image"
""",
    registries=login(),
)


class Input(BaseModel):
    name: str = Field(default="world", min_length=1, max_length=100, description="Who is greeted.", examples=["Ada"])


class Output(BaseModel):
    message: str = Field(description="The greeting of the image.", examples=["Hello from a private image, Ada!"])
    python: str = Field(description="The version of the image's Python.", examples=["3.12.12"])


class PrivateImage(fal.App):
    app_name = "private-image"
    kind = "container"
    image = IMAGE
    machine_type = "XS"
    keep_alive = 60
    # None: the login to the registry must not become a secret of the runners.
    secrets = []

    def setup(self):
        # Without what the image should have, the app fails here, when a runner starts, and not during a request.
        self.greeting = os.environ["GREETING"]

    @fal.endpoint("/health", health_check=fal.HealthCheck(timeout_seconds=10, failure_threshold=3))
    def health(self) -> dict:
        return {}

    @fal.endpoint("/")
    def greet(self, input: Input, response: Response) -> Output:
        if not input.name.strip():
            raise FieldException("name", "There is nothing in this name.")
        response.headers["x-fal-billable-units"] = "1"
        return Output(message=f"{self.greeting}, {input.name}!", python=platform.python_version())
