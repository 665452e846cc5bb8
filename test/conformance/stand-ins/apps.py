"""Stand-ins for the models that fal_client's own tests call: what these ask of them, and nothing behind it."""

import io
import urllib.request
from typing import Optional

import fal
from fastapi.responses import StreamingResponse
from PIL import Image as Pillow
from pydantic import BaseModel

from fal.toolkit import Image


class TextInput(BaseModel):
    prompt: str
    seed: Optional[int] = None


class ImageInput(TextInput):
    image_url: str


class Images(BaseModel):
    images: list[Image]
    seed: int
    prompt: str


class FastSdxl(fal.App, keep_alive=60, max_concurrency=2):
    """`fal-ai/fast-sdxl`: a picture in one colour out of the seed, or the given picture in its size."""

    machine_type = "S"
    requirements = ["pillow"]

    @fal.endpoint("/")
    def text_to_image(self, input: TextInput) -> Images:
        return answer(input, Pillow.new("RGB", (1024, 1024), colour(input)))

    @fal.endpoint("/image-to-image")
    def image_to_image(self, input: ImageInput) -> Images:
        with urllib.request.urlopen(input.image_url) as response:
            given = Pillow.open(io.BytesIO(response.read())).convert("RGB")
        return answer(input, Pillow.blend(given, Pillow.new("RGB", given.size, colour(input)), 0.5))


def colour(input):
    seed = input.seed or 0
    return (seed % 256, len(input.prompt) % 256, 128)


def answer(input, picture):
    return Images(images=[Image.from_pil(picture, format="jpeg")], seed=input.seed or 0, prompt=input.prompt)


class Question(BaseModel):
    prompt: str
    model: str


class AnyLlm(fal.App, keep_alive=60, max_concurrency=2):
    """`fal-ai/any-llm`: the question, said back word by word."""

    machine_type = "S"

    @fal.endpoint("/stream")
    def stream(self, input: Question) -> StreamingResponse:
        import json

        def events():
            said = ""
            words = input.prompt.split()
            for number, word in enumerate(words, 1):
                said = f"{said} {word}".strip()
                event = {"output": said, "partial": number < len(words), "reasoning": None, "error": None}
                yield f"data: {json.dumps(event)}\n\n"

        return StreamingResponse(events(), media_type="text/event-stream")
