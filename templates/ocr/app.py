"""Optical character recognition: send a picture, get the lines of text in it, with their positions and scores."""

import time
from io import BytesIO
from urllib.request import urlopen

import fal
from fal.exceptions import FieldException
from fal.toolkit import Image
from fastapi import Response
from pydantic import BaseModel, Field

# A small picture of the word "Hello", so that a first call needs no file.
HELLO = (
    "data:image/png;base64,"
    "iVBORw0KGgoAAAANSUhEUgAAADEAAAAeAQAAAACtHctSAAAATklEQVR42q3OsQ1AUBhF4c8fDY0RLGmAZzdTaHgLSDR0KKi03OYk"
    "J6e4xQn6cO9PLghzevnVQLClkaDSEvIqCG2Tnj4dBLtMSd1NFB//XnbZEO2ymAL8AAAAAElFTkSuQmCC"
)


class Input(BaseModel):
    image_url: str = Field(
        description="The picture to read: an https URL or a data URI.",
        examples=[HELLO],
    )
    min_score: float = Field(default=0.5, ge=0, le=1, description="Lines with a lower score are omitted.")


class Line(BaseModel):
    text: str
    score: float = Field(description="The confidence of the model, from 0 to 1.")
    box: list[list[float]] = Field(description="The four corners [x, y] in pixels, clockwise from the top left.")


class Output(BaseModel):
    text: str = Field(description="All lines, joined by line breaks.")
    lines: list[Line]


def open_picture(url: str):
    from PIL import Image as PILImage
    from PIL import UnidentifiedImageError

    try:
        if url.startswith("data:"):
            with urlopen(url) as data:
                return PILImage.open(BytesIO(data.read())).convert("RGB")
        # Downloads from public addresses only: an app must not fetch what is inside its own network.
        return Image(url=url).to_pil()
    except UnidentifiedImageError as error:
        raise FieldException("image_url", "This is not a picture.") from error
    except Exception as error:
        raise FieldException("image_url", f"The picture could not be read: {error}") from error


class OCR(fal.App):
    app_name = "ocr"
    machine_type = "S"
    keep_alive = 60
    max_concurrency = 2
    # The models are inside the rapidocr package: nothing is downloaded at start-up.
    # OpenCV comes without a window system, so the machine needs no libGL.
    requirements = [
        "rapidocr==3.10.0",
        "onnxruntime==1.23.2",
        "opencv-python-headless==4.12.0.88",
        "pillow==12.3.0",
    ]

    def setup(self):
        from PIL import Image as PILImage
        from PIL import ImageDraw, ImageFont
        from rapidocr import RapidOCR

        print("Loading the models ...")
        started = time.monotonic()
        self.reader = RapidOCR(params={"Global.log_level": "warning"})
        # The models are loaded by the first call: make it here, so that no request has to wait for it.
        picture = PILImage.new("RGB", (320, 80), "white")
        ImageDraw.Draw(picture).text((20, 16), "ready", fill="black", font=ImageFont.load_default(size=36))
        self.reader(picture)
        print(f"Models loaded in {time.monotonic() - started:.1f} s")

    @fal.endpoint("/health", health_check=fal.HealthCheck(timeout_seconds=10, failure_threshold=3))
    def health(self) -> dict:
        # A runner that does not answer in time, three times in a row, is replaced.
        return {}

    @fal.endpoint("/")
    def read(self, input: Input, response: Response) -> Output:
        picture = open_picture(input.image_url)
        print(f"Reading a picture of {picture.width} x {picture.height} pixels")
        started = time.monotonic()
        found = self.reader(picture, text_score=input.min_score)
        lines = []
        if found.txts is not None:
            for text, score, box in zip(found.txts, found.scores, found.boxes):
                lines.append(Line(text=text, score=float(score), box=box.tolist()))
        print(f"Found {len(lines)} lines in {time.monotonic() - started:.1f} s")
        # The price is per million pixels that have begun.
        response.headers["x-fal-billable-units"] = str(-(-picture.width * picture.height // 1_000_000))
        return Output(text="\n".join(line.text for line in lines), lines=lines)
