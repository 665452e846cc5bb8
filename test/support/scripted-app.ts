import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import type { Emulator } from './emulator.ts';

/**
 * Apps whose input scripts each attempt: the n-th attempt of a key performs the n-th step, later ones the last step.
 * Every attempt is recorded in `/data` before it does anything. Python source.
 *
 * A step is a word and headers of the answer: `ok`, `gate` (waits until the test opens it), `sleep`, `raise`,
 * `cancelled` (an unhandled CancelledError), `crash`, `cut` (half a body), `text`, or a status: `503
 * x-fal-needs-retry=0`.
 */
export const scriptedApps = `
import asyncio
import json
import os
from pathlib import Path
from typing import Annotated

import fal
from fal.exceptions import RequestCancelledException
from fastapi import Header, Response
from fastapi.responses import JSONResponse, PlainTextResponse, StreamingResponse
from pydantic import BaseModel

notes = Path("/data/notes")
gates = Path("/data/gates")


class Input(BaseModel):
    key: str
    steps: list[str] = ["ok"]


class Scripted(fal.App, max_concurrency=6, keep_alive=60):
    machine_type = "XS"

    def setup(self):
        self.cancelled = {}

    def note(self, key: str, request: str) -> int:
        notes.mkdir(parents=True, exist_ok=True)
        line = json.dumps({"request": request, "runner": os.getpid()})
        with open(notes / key, "a") as file:
            file.write(line + "\\n")
        return len((notes / key).read_text().splitlines())

    @fal.endpoint("/")
    async def perform(self, input: Input, x_fal_request_id: Annotated[str, Header()] = "") -> Response:
        attempt = self.note(input.key, x_fal_request_id)
        word, *given = input.steps[min(attempt, len(input.steps)) - 1].split()
        headers = dict(header.split("=") for header in given)
        print(f"attempt {attempt} of {input.key}: {word}", flush=True)
        if word == "crash":
            os._exit(7)
        if word == "raise":
            raise ValueError("as asked")
        if word == "cancelled":
            raise asyncio.CancelledError()
        if word == "sleep":
            await asyncio.sleep(60)
        while word == "gate" and not (gates / input.key).exists():
            await asyncio.sleep(0.02)
        if word == "text":
            return PlainTextResponse("no JSON")
        if word == "cut":
            async def half():
                yield b'{"half":'

            return StreamingResponse(half(), media_type="application/json", headers={"content-length": "1000"})
        status = int(word) if word.isdigit() else 200
        return JSONResponse({"attempt": attempt, "runner": os.getpid()}, status, headers)

    @fal.endpoint("/work")
    async def work(self, input: Input, x_fal_request_id: Annotated[str, Header()] = "") -> Response:
        self.note(input.key, x_fal_request_id)
        stop = self.cancelled.setdefault(x_fal_request_id, asyncio.Event())
        await asyncio.wait_for(stop.wait(), 60)
        raise RequestCancelledException("stopped as asked")

    @fal.endpoint("/work/cancel")
    async def cancel_work(self, x_fal_request_id: Annotated[str, Header()] = "") -> Response:
        self.note("cancels", x_fal_request_id)
        self.cancelled.setdefault(x_fal_request_id, asyncio.Event()).set()
        return JSONResponse({})


class One(Scripted, max_concurrency=1):
    pass


class Hasty(Scripted, max_concurrency=1):
    app_auth = "public"
    request_start_timeout = 1


class Many(Scripted, max_concurrency=1, max_multiplexing=4):
    pass


class Short(Scripted, request_timeout=1):
    pass


class Skipping(Scripted, request_timeout=1):
    skip_retry_conditions = ["timeout"]
    retry_config = {"server_error": {"retries": 1}}


class Hinted(Scripted, max_concurrency=2):
    def setup(self):
        super().setup()
        self.hints = []

    def provide_hints(self) -> list[str]:
        return self.hints

    @fal.endpoint("/load")
    async def load(self, input: Input, x_fal_request_id: Annotated[str, Header()] = "") -> Response:
        self.hints = [input.key]
        self.note("loads", x_fal_request_id)
        while not (gates / "hinted").exists():
            await asyncio.sleep(0.02)
        return JSONResponse({"runner": os.getpid()})
`;

const note = z.object({ request: z.string(), runner: z.number() });

/** The attempts of a key that the app recorded. */
export async function attemptsOf(
  { dataDir }: Pick<Emulator, 'dataDir'>,
  key: string,
): Promise<readonly z.infer<typeof note>[]> {
  const file = join(dataDir, 'data', 'notes', key);
  if (!existsSync(file)) return [];
  const lines = (await readFile(file, 'utf8')).split('\n').filter((line) => line !== '');
  return lines.map((line) => note.parse(JSON.parse(line)));
}

/** Every `gate` step of the key waits for this file. */
export const gateFile = ({ dataDir }: Pick<Emulator, 'dataDir'>, key: string): string =>
  join(dataDir, 'data', 'gates', key);

export async function openGate(emulator: Pick<Emulator, 'dataDir'>, key: string): Promise<void> {
  const file = gateFile(emulator, key);
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, '');
}
