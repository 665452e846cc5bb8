"""Two apps: one finds the keywords of a text, and one paints them. `workflow.py` connects them."""

import re
import time
from collections import Counter

import fal
from fal.exceptions import FieldException
from fal.toolkit import Image
from fastapi import Response
from pydantic import BaseModel, Field

# Words that say nothing about a text.
COMMON = set(
    "a about all also an and are as at be been but by can do for from has have he her his how if in into is it its "
    "more no not of on one or our out she so some than that the their them then there these they this to up was we "
    "were what when which who will with would you your".split()
)

SAMPLE = "A lighthouse is a tower with a lamp. The lamp of the lighthouse guides ships at night, and ships trust it."


class Text(BaseModel):
    text: str = Field(min_length=1, max_length=100_000, description="The text.", examples=[SAMPLE])
    count: int = Field(default=5, ge=1, le=20, description="How many keywords there are, at most.")


class Words(BaseModel):
    words: list[str] = Field(description="The keywords, the most frequent one first.", examples=[["lighthouse"]])


class Lines(BaseModel):
    lines: list[str] = Field(
        min_length=1, max_length=20, description="The lines to paint.", examples=[["lighthouse", "lamp"]]
    )
    width: int = Field(default=480, ge=100, le=2000, description="The width of the picture in pixels.")


class Picture(BaseModel):
    image: Image = Field(description="The picture, a PNG file.")


class Keywords(fal.App):
    app_name = "workflow-keywords"
    machine_type = "XS"
    keep_alive = 60

    @fal.endpoint("/health", health_check=fal.HealthCheck(timeout_seconds=10, failure_threshold=3))
    def health(self) -> dict:
        return {}

    @fal.endpoint("/")
    def find(self, input: Text, response: Response) -> Words:
        words = [word for word in re.findall(r"[^\W\d_]{2,}", input.text.lower()) if word not in COMMON]
        if not words:
            # It ends the workflow, whose caller gets this error.
            raise FieldException("text", "There are no keywords in this text.")
        found = [word for word, _ in Counter(words).most_common(input.count)]
        print(f"Found {found} in {len(words)} words")
        # Each app bills its own work: here, each 1000 characters that have begun.
        response.headers["x-fal-billable-units"] = str(-(-len(input.text) // 1000))
        return Words(words=found)


class Card(fal.App):
    app_name = "workflow-card"
    machine_type = "XS"
    keep_alive = 60
    requirements = ["pillow==12.3.0"]

    def setup(self):
        started = time.monotonic()
        # The first picture loads the library and its font: paint it here, so that no request waits.
        self._paint(["ready"], 100)
        print(f"Ready in {time.monotonic() - started:.1f} s")

    @fal.endpoint("/health", health_check=fal.HealthCheck(timeout_seconds=10, failure_threshold=3))
    def health(self) -> dict:
        return {}

    @fal.endpoint("/")
    def paint(self, input: Lines, response: Response) -> Picture:
        for at, line in enumerate(input.lines):
            if len(line) > 100:
                raise FieldException("lines", f"Line {at + 1} has more than 100 characters.")
        response.headers["x-fal-billable-units"] = "1"
        return Picture(image=Image.from_pil(self._paint(input.lines, input.width), format="png"))

    def _paint(self, lines: list[str], width: int):
        from PIL import Image as PILImage
        from PIL import ImageDraw, ImageFont

        font = ImageFont.load_default(size=28)
        picture = PILImage.new("RGB", (width, 24 + 40 * len(lines)), "#102a43")
        for at, line in enumerate(lines):
            ImageDraw.Draw(picture).text((24, 12 + 40 * at), line, fill="#f0f4f8", font=font)
        return picture
