"""Filters the video of a camera live, over WebRTC. A message on the session's control channel changes the filter."""

import asyncio
import time
from typing import Literal

import fal
import fal.wma
from fal.exceptions import FieldException
from fal.toolkit import Image
from fastapi import Response
from pydantic import BaseModel, Field

MODES = ["edges", "blur", "gray", "invert"]
MAX_SIDE = 1280

# A small picture, so that a first call needs no file: a red square on a white one.
SQUARE = (
    "data:image/png;base64,"
    "iVBORw0KGgoAAAANSUhEUgAAAEAAAABACAIAAAAlC+aJAAAAaklEQVR42u3asQ2AMAwAwRgxTiZIw+w0TMA+zgwpImRx31vySS4d"
    "mdkqd7TiAQAAAAAAAAAAAHzXuTpwj751oet5nRAAAAAAAAAAAAAAAAAAAAAAAAAAAADA3sK/EAAAAAAAAAAAAMBvARMF4Al7Z7mS"
    "RwAAAABJRU5ErkJggg=="
)


class Input(BaseModel):
    image: Image = Field(description="The picture to filter: an https URL or a data URI.", examples=[SQUARE])
    mode: Literal["edges", "blur", "gray", "invert"] = Field(default="edges", description="The filter.")


class Output(BaseModel):
    image: Image = Field(description="The filtered picture, a PNG file.")


def apply(picture, mode: str):
    """The filter, of a frame or a picture. Replace it by your model."""
    from PIL import ImageFilter, ImageOps

    if mode == "blur":
        return picture.filter(ImageFilter.GaussianBlur(6))
    if mode == "gray":
        return ImageOps.grayscale(picture).convert("RGB")
    if mode == "invert":
        return ImageOps.invert(picture)
    return picture.filter(ImageFilter.FIND_EDGES)


def filtered(source, session, settings: dict):
    """A video track of the frames of another one, filtered."""
    from aiortc import MediaStreamTrack
    from aiortc.mediastreams import MediaStreamError
    from av import VideoFrame

    # Only the newest frame waits: if the filter is slower than the camera, frames are left out, and nothing lags.
    newest: asyncio.Queue = asyncio.Queue(maxsize=1)

    def keep(frame) -> None:
        if newest.full():
            newest.get_nowait()
        newest.put_nowait(frame)

    async def receive() -> None:
        try:
            while True:
                keep(await source.recv())
        except MediaStreamError:
            # The camera has been switched off.
            keep(None)

    session.create_task(receive())

    class Filtered(MediaStreamTrack):
        kind = "video"
        billed = time.monotonic()

        async def recv(self):
            frame = await newest.get()
            if frame is None:
                self.stop()
                raise MediaStreamError
            # In a thread: the session's other messages don't wait for it.
            picture = await asyncio.to_thread(apply, frame.to_image(), settings["mode"])
            made = VideoFrame.from_image(picture)
            made.pts, made.time_base = frame.pts, frame.time_base
            # The price is per second of video.
            now = time.monotonic()
            if now - self.billed >= 1:
                session.add_billable_units(now - self.billed)
                self.billed = now
            return made

    return Filtered()


class WebRTCFilter(fal.wma.App):
    app_name = "webrtc-filter"
    machine_type = "S"
    keep_alive = 60
    # A session holds its runner until it ends: one camera for each runner.
    max_concurrency = 2
    # The libraries of WebRTC come with `fal.wma`.
    requirements = ["pillow==12.3.0"]

    def setup(self):
        from PIL import Image as PILImage

        # A first picture loads what the filters need.
        for mode in MODES:
            apply(PILImage.new("RGB", (64, 64), "white"), mode)

    @fal.endpoint("/health", health_check=fal.HealthCheck(timeout_seconds=10, failure_threshold=3))
    async def health(self) -> dict:
        return {}

    async def create_backend(self, session):
        from aiortc import RTCConfiguration

        settings = {"mode": "edges"}

        def change(message: dict) -> None:
            mode = message.get("mode")
            if mode not in MODES:
                session.send({"type": "error", "message": f"Choose one of {', '.join(MODES)}."})
                return
            settings["mode"] = mode
            session.send({"type": "effect", "mode": mode})

        session.on_message("effect", change)

        def connect(peer) -> None:
            @peer.on("track")
            def start(track) -> None:
                if track.kind == "video":
                    print("A camera is connected")
                    peer.addTrack(filtered(track, session, settings))

        # In the cloud, media may have to go through a relay, which the bridge names in the offer.
        offer = session.offer
        ice = fal.wma.RunnerIceConfig.from_bridge()
        servers, _ = await ice.build_ice_servers_async(offer.ice_servers, forwarded_status=offer.ice_status)
        return fal.wma.AiortcPeer(session, connect, rtc_configuration=RTCConfiguration(iceServers=servers))

    # The same filter for a single picture, by plain HTTP.
    @fal.endpoint("/")
    def once(self, input: Input, response: Response) -> Output:
        try:
            # Downloads from public addresses only: an app must not fetch what is inside its own network.
            picture = input.image.to_pil()
        except Exception as error:
            raise FieldException("image", f"The picture could not be read: {error}") from error
        picture.thumbnail((MAX_SIDE, MAX_SIDE))
        response.headers["x-fal-billable-units"] = "1"
        return Output(image=Image.from_pil(apply(picture, input.mode), format="png"))
