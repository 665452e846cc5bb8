import type { CheckCode } from '../codes.ts';

/**
 * A way of writing an app from fal's own examples, in our words and as short as possible: what a check could take for a
 * mistake. Behind `# found`, what is one.
 */
export interface Example {
  /** Where fal writes this. */
  readonly from: string;
  readonly what: string;
  readonly source: string;
}

const head = `import asyncio
import os

import fal
import fal_client
from fastapi import Depends, Request, Response, WebSocket
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, Field


class Input(BaseModel):
    prompt: str


class Output(BaseModel):
    seed: int


`;

/** An app with this body. */
const app = (body: string, bases = 'fal.App') =>
  `${head}class Demo(${bases}):\n${body.trim().replace(/^(?=.)/gm, '    ')}\n`;

/** The codes behind `# found`, each with its 0-based line. */
export function expectedIn(source: string): readonly (readonly [CheckCode, number])[] {
  return source
    .split('\n')
    .flatMap((line, at) =>
      [...line.matchAll(/# found ([a-z-]+)/g)].map(([, code]) => [code as CheckCode, at] as const),
    );
}

export const examples: readonly Example[] = [
  {
    from: 'fal-demos, image/sana',
    what: 'settings as keywords of the class, several models in setup, an answer type in parentheses',
    source: app(
      `
machine_type = "GPU-H100"
requirements = ["torch==2.6.0", "diffusers @ git+https://example.com/diffusers@0123abc", "transformers<5"]
local_python_modules = ["demos"]

def setup(self):
    from diffusers import BasePipeline, FastPipeline

    self.pipes = {"base": BasePipeline.from_pretrained("a/base")}
    self.pipes["fast"] = FastPipeline.from_pretrained("a/fast", encoder=self.pipes["base"].encoder)

async def _generate(self, input: Input, response: Response, name: str) -> Output:
    import torch

    response.headers["x-fal-billable-units"] = "1"
    return Output(seed=torch.seed())

@fal.endpoint("/")
async def generate(self, input: Input, response: Response) -> (
    Output
):
    return await self._generate(input, response, "base")
`,
      '\n    fal.App,\n    keep_alive=600,  # ten minutes\n    min_concurrency=0,\n    name="demo",\n',
    ),
  },
  {
    from: 'fal-demos, image/hunyuan3d',
    what: 'an async endpoint of a runner with several requests, which awaits another app',
    source: app(
      `
machine_type = "M"
requirements = ["fal-client"]  # found unpinned-requirement

def setup(self):
    os.environ["FAL_KEY"] = os.environ.get("MY_SECRET_KEY", "")

@fal.endpoint("/turbo")
async def generate(self, input: Input) -> Output:
    handle = await fal_client.submit_async("a/b", arguments={"prompt": input.prompt})
    async for event in handle.iter_events(interval=0.1):
        print(event)
    return Output(**await handle.get())
`,
      'fal.App, name="demo", max_multiplexing=10',
    ),
  },
  {
    from: 'fal-demos, video/wan',
    what: 'a def that calls another app through its own methods, and imports of a cloned repository',
    source: app(`
machine_type = "GPU-H100"
requirements = ["torch==2.6.0", "fal-client==0.5.9", "tqdm"]  # found unpinned-requirement

def setup(self):
    from pathlib import Path

    import wan

    self.model = wan.Text2Video(checkpoint_dir=Path("/data/wan"))

def _is_safe(self, prompt: str) -> bool:
    try:
        return "yes" in fal_client.subscribe("a/b", {"prompt": prompt})["output"]
    except Exception:
        return False

@fal.endpoint("/v2.1/text-to-video")
def generate(self, request: Input) -> Output:
    from wan.utils import cache_video

    cache_video(self.model.generate(request.prompt))
    return Output(seed=1)
`),
  },
  {
    from: 'fal-demos, audio/diffrhythm',
    what: 'an image, whose packages nobody knows here',
    source: app(`
app_name = "demo"
keep_alive = 600
min_concurrency = 1
image = fal.ContainerImage.from_dockerfile_str("FROM python:3.11")
machine_type = "GPU-H100"

def setup(self):
    import torch
    import torchaudio

    self.model = torch.compile(torchaudio)

@fal.endpoint("/")
def generate(self, input: Input) -> Output:
    return Output(seed=self.model(input.prompt))
`),
  },
  {
    from: 'fal-demos, video/wan_trainer',
    what: 'settings that are computed elsewhere, and a runner that ends after its training',
    source: app(
      `
machine_type = os.getenv("MACHINE", "GPU-H100")
num_gpus = GPUS
requirements = DEPENDENCIES

def setup(self) -> None:
    import torch

    self.device = torch.device("cuda")

@fal.endpoint("/")
def run(self, request: Input, response: Response, http_request: Request) -> Output:
    return Output(seed=1)
`,
      'fal.App, keep_alive=0, name=NAME, _scheduler_options={"region": ["us-east"]}',
    ),
  },
  {
    from: 'fal-demos, distributed/training',
    what: 'an async setup, a stream, and another app that is waited for without await',
    source: app(`
machine_type = "GPU-H100"
num_gpus = 2
requirements = ["torch==2.4.0", "fal-client==0.5.9", "pyzmq==26.0.0"]

async def setup(self):
    self.runner = Runner(world_size=self.num_gpus)
    await self.runner.start()

@fal.endpoint("/")
async def train(self, request: Input) -> Output:
    prepared = fal_client.submit("a/b", arguments={"prompt": request.prompt}).get()  # found blocking-call
    return Output(**await self.runner.invoke(prepared))

@fal.endpoint("/stream")
async def stream(self, request: Input) -> StreamingResponse:
    async def events():
        async for event in self.runner.stream({"prompt": request.prompt}):
            yield event

    return StreamingResponse(events(), media_type="text/event-stream")
`),
  },
  {
    from: 'fal-demos, video/yolo_webcam_webrtc',
    what: 'a realtime endpoint with iterators, whose functions inside have no types',
    source: app(`
machine_type = "GPU-H100"
requirements = ["ultralytics==8.3.0", "aiortc==1.10.0"]

def setup(self):
    from ultralytics import YOLO

    self.model = YOLO("/data/a.pt")

@fal.realtime("/realtime")
async def webrtc(self, inputs: AsyncIterator[dict]) -> AsyncIterator[dict]:
    async def offered(payload):
        return payload["sdp"]

    async for one in inputs:
        yield {"sdp": await offered(one)}
`),
  },
  {
    from: 'the SDK, tests/e2e',
    what: 'functions with ports of their own, which sleep, and say what they need without versions',
    source: `${head}@fal.function(
    keep_alive=300,
    requirements=["fastapi", "uvicorn"],
    machine_type=["S", "M"],
    max_multiplexing=30,
    exposed_port=8000,
)
def calculator():
    import time

    from fastapi import FastAPI

    server = FastAPI()

    @server.post("/add")
    async def add(input: Input):
        time.sleep(1)
        return {"a": 1}
`,
  },
  {
    from: 'the SDK, tests/unit',
    what: 'a machine type without its prefix',
    source: app(`
machine_type = "H100"  # found machine-type

async def setup(self):
    self.runner = None

@fal.endpoint("/")
async def echo(self, request: Input) -> Output:
    result = await self.runner.invoke({"message": request.prompt})
    if "error" in result:
        raise RuntimeError("Failed")
    return Output(seed=result["seed"])
`),
  },
  {
    from: 'the skeleton of `fal create`',
    what: 'requirements of a function, and a model of another module',
    source: app(
      `
requirements=get_requirements()
machine_type="GPU-A100"
app_auth="private"

def setup(self):
    self.pipeline = get_pipeline()

@fal.endpoint("/")
def generate(self, input: Input) -> Output:
    return Output()
`,
      '\n    fal.App,\n    keep_alive=60,\n',
    ),
  },
  {
    from: 'the documentation, fal.App',
    what: 'the first app of the reference, whose input is in the query',
    source: app(`
def setup(self):
    pass

@fal.endpoint("/")
def predict(self, input_data):  # found untyped-output # found untyped-input
    return {"result": "..."}
`),
  },
  {
    from: 'the documentation, model APIs',
    what: 'another app, from an app that has no requirements',
    source: app(`
@fal.endpoint("/")
def run(self, prompt: str) -> dict:
    return fal_client.subscribe("a/b", arguments={"prompt": prompt})
`).replace('import fal_client', 'import fal_client  # found missing-requirement'),
  },
  {
    from: 'the documentation, concurrency',
    what: 'a health check, and a lock, next to several requests at a time',
    source: app(`
max_multiplexing = 4

def setup(self):
    self.lock = threading.Lock()

@fal.endpoint("/health", health_check=fal.HealthCheck())
def health(self) -> dict:
    return {"status": "ok"}

@fal.endpoint("/")
def generate(self, input: Input) -> Output:
    with self.lock:
        return Output(seed=self.model(input.prompt))
`),
  },
  {
    from: 'FastAPI, dependencies',
    what: 'values that are neither in the body nor in the query, and a response that has a name',
    source: app(`
@fal.endpoint("/")
def generate(self, input: Input, account=Depends(account_of)) -> Output:
    return Output(seed=1)

@fal.endpoint("/file")
def file(self, input: Input):
    answer = StreamingResponse(self.parts(input))
    answer.headers["a"] = "b"
    return answer

@fal.endpoint("/raw")
def raw(self, response: Response):
    response.status_code = 202
    return response

@fal.endpoint("/ws", is_websocket=True)
async def ws(self, ws: WebSocket):
    await ws.accept()
`),
  },
  {
    from: 'FastAPI, async',
    what: 'blocking calls in threads, and variables that have the name of a module',
    source: `import requests\n${app(`
requirements = ["torch==2.6.0"]

@fal.endpoint("/")
async def generate(self, input: Input) -> Output:
    await asyncio.to_thread(requests.get, input.prompt)
    await asyncio.get_running_loop().run_in_executor(None, lambda: requests.get(input.prompt))
    return Output(seed=1)

@fal.endpoint("/batch")
async def batch(self, requests: dict) -> Output:
    return Output(seed=requests.get("seed"))

@fal.endpoint("/later")
async def later(self, input: Input) -> Output:
    time = self.clock
    time.sleep(1)
    return Output(seed=1)
`)}`,
  },
  {
    from: 'model servers',
    what: 'models that are loaded when a request needs them for the first time',
    source: app(`
@fal.endpoint("/a")
def a(self, input: Input) -> Output:
    self.model = self.model or Model.from_pretrained("a/b")
    return Output(seed=1)

@fal.endpoint("/b")
def b(self, input: Input) -> Output:
    if self.model is not None:
        return self.model(input)
    self.model = Model.from_pretrained("a/b")
    return self.model(input)

@fal.endpoint("/c")
def c(self, input: Input) -> Output:
    while self.model is None:
        self.model = Model.from_pretrained("a/b")
    return Output(seed=1)
`),
  },
  {
    from: 'requirements of projects',
    what: 'packages as files, addresses and options; names of models that begin like keys',
    source: app(`
requirements = ["wheels/a-1.0-py3-none-any.whl", "b-2.0.tar.gz", "https://a.example/c.whl", "--pre"]

@fal.endpoint("/")
def generate(self, input: Input) -> Output:
    return Output(seed=self.models["org/sk-a-long-name-of-a-model-in-several-words"])
`),
  },
  {
    from: 'scripts',
    what: 'what runs only on the machine of the developer',
    source: `${app(`
@fal.endpoint("/")
def generate(self, input: Input) -> Output:
    return Output(seed=1)
`)}

if __name__ == "__main__":
    model = Model.from_pretrained("a/b")
    print(fal_client.subscribe("a/b", {}))
`,
  },
];
