/**
 * The app of the crash tests. Its results contain `version`, which shows the deploy that they come from. `Closed` never
 * becomes ready: its requests wait until their start deadline, or until they are cancelled.
 */
export function loadApp(version: number): string {
  return `
import asyncio
import os
import time

import fal
from pydantic import BaseModel

VERSION = ${version}


class Input(BaseModel):
    number: int
    kind: str
    seconds: float = 0


class Output(BaseModel):
    number: int
    version: int


class Load(fal.App, keep_alive=60, max_concurrency=3, max_multiplexing=1):
    machine_type = "XS"

    @fal.endpoint("/")
    async def work(self, input: Input) -> Output:
        from fastapi import HTTPException

        await asyncio.sleep(input.seconds)
        if input.kind == "refused":
            raise HTTPException(418, f"refused {input.number}")
        if input.kind == "dying":
            raise HTTPException(503, f"dying {input.number}")
        if input.kind == "flaky" and first_time(input.number):
            raise HTTPException(503, "not yet")
        return Output(number=input.number, version=VERSION)


def first_time(number):
    # In /data, which isn't found under this name on a machine without namespaces.
    folder = os.environ["HF_HOME"]
    os.makedirs(folder, exist_ok=True)
    try:
        os.close(os.open(f"{folder}/seen-{number}", os.O_CREAT | os.O_EXCL))
        return True
    except FileExistsError:
        return False


class Closed(fal.App, keep_alive=60, max_concurrency=1):
    machine_type = "XS"

    def setup(self):
        time.sleep(3600)

    @fal.endpoint("/")
    def work(self, input: Input) -> Output:
        return Output(number=input.number, version=VERSION)
`;
}
