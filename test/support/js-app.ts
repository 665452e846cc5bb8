/**
 * An app for JavaScript clients: an echo that may take a while, and a stream of events, a realtime connection. Python
 * source.
 */
export const jsApp = `
import asyncio
import json

import fal
from fastapi import WebSocket
from fastapi.responses import StreamingResponse
from pydantic import BaseModel


class Input(BaseModel):
    number: int
    seconds: float = 0


class Output(BaseModel):
    number: int


class Js(fal.App, keep_alive=60, max_concurrency=1, max_multiplexing=8):
    machine_type = "XS"

    @fal.endpoint("/")
    async def echo(self, input: Input) -> Output:
        print(f"echo {input.number}", flush=True)
        await asyncio.sleep(input.seconds)
        return Output(number=input.number)

    @fal.endpoint("/named/{name}")
    def named(self, name: str, suffix: str = "") -> dict:
        return {"name": name + suffix}

    @fal.endpoint("/stream")
    def stream(self, input: Input) -> StreamingResponse:
        async def events():
            for number in range(input.number):
                yield f"data: {json.dumps({'number': number})}\\n\\n"
                await asyncio.sleep(0.01)

        return StreamingResponse(events(), media_type="text/event-stream")

    @fal.endpoint("/plain", is_websocket=True)
    async def plain(self, socket: WebSocket) -> None:
        await socket.accept()
        async for text in socket.iter_text():
            await socket.send_text(json.dumps({"echoed": json.loads(text)}))

    @fal.realtime("/realtime")
    def realtime(self, input: Input) -> Output:
        return Output(number=input.number)
`;
