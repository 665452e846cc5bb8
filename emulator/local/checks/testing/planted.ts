import type { CheckCode } from '../codes.ts';
import type { CheckFacts } from '../facts.ts';
import type { Edit } from '../finding.ts';

/** An app with one mistake. */
export interface Planted {
  readonly what: string;
  readonly code: CheckCode;
  /** The line with the mistake has `# here`. */
  readonly source: string;
  /** The title of its best quick fix; absent: it has none. */
  readonly fix?: string;
}

const head = `import os
import subprocess
import time

import fal
from pydantic import BaseModel


class Input(BaseModel):
    text: str = ""


class Output(BaseModel):
    text: str


`;

/** A whole app: settings of its class, then methods. */
const app = (body: string, before = '') =>
  `${before}${head}class Planted(fal.App):\n${body.replace(/^(?=.)/gm, '    ')}\n`;

const endpoint = `@fal.endpoint("/")
def answer(self, input: Input) -> Output:
    return Output(text=input.text)
`;
const settings = (lines: string) => app(`${lines}\n\n${endpoint}`);
/** An asynchronous endpoint that does this. */
const waits = (line: string) =>
  app(`@fal.endpoint("/")
async def answer(self, input: Input) -> Output:
    ${line}
    return Output(text=input.text)
`);

const falKey = `0b5c9a7e-${'1f2d-'.repeat(3)}0a1b2c3d4e5f:${'0123456789abcdef'.repeat(2)}`;

export const planted: readonly Planted[] = [
  {
    what: 'a machine type in lower case',
    code: 'machine-type',
    source: settings('machine_type = "xs"  # here'),
    fix: 'Use XS',
  },
  {
    what: 'a GPU without its prefix',
    code: 'machine-type',
    source: settings('machine_type = "H100"  # here'),
    fix: 'Use GPU-H100',
  },
  {
    what: 'one wrong machine type in a list',
    code: 'machine-type',
    source: settings('machine_type = [\n    "GPU-H100",\n    "GPU-A10",  # here\n]'),
    fix: 'Use GPU-A100',
  },
  {
    what: 'a machine type that is like none',
    code: 'machine-type',
    source: settings('machine_type = "enormous"  # here'),
  },
  {
    what: '__init__',
    code: 'init-overridden',
    source: app(`def __init__(self):  # here\n    super().__init__()\n    self.ready = True\n\n${endpoint}`),
    fix: 'Rename it to setup',
  },
  {
    what: '__init__ with parameters',
    code: 'init-overridden',
    source: app(`def __init__(self, *args):  # here\n    super().__init__(*args)\n\n${endpoint}`),
  },
  {
    what: 'an input without a type',
    code: 'untyped-input',
    source: app('@fal.endpoint("/")\ndef answer(self, text) -> Output:  # here\n    return Output(text=text)\n'),
  },
  {
    what: 'an input with a default and without a type',
    code: 'untyped-input',
    source: app('@fal.endpoint("/")\ndef answer(self, text="") -> Output:  # here\n    return Output(text=text)\n'),
    fix: 'Add the type str',
  },
  {
    what: 'the input of a realtime endpoint without a type',
    code: 'untyped-input',
    source: app(
      '@fal.realtime("/live")\ndef live(self, input) -> Output:  # here\n    return Output(text=input.text)\n',
    ),
  },
  {
    what: 'an answer without a type',
    code: 'untyped-output',
    source: app('@fal.endpoint("/")\ndef answer(self, input: Input):  # here\n    return {"text": input.text}\n'),
    fix: 'Add the type dict',
  },
  {
    what: 'an object as an answer without a type',
    code: 'untyped-output',
    source: app('@fal.endpoint("/")\ndef answer(self, input: Input):  # here\n    return Output(text=input.text)\n'),
  },
  {
    what: 'time.sleep',
    code: 'blocking-call',
    source: waits('time.sleep(0.01)  # here'),
    fix: 'Make answer a def',
  },
  {
    what: 'time.sleep next to something that is awaited',
    code: 'blocking-call',
    source: app(
      `async def rest(self):\n    pass\n\n@fal.endpoint("/")\nasync def answer(self, input: Input) -> Output:
    await self.rest()\n    time.sleep(0.01)  # here\n    return Output(text=input.text)\n`,
    ),
    fix: 'Use await asyncio.sleep',
  },
  {
    what: 'a sleep by another name',
    code: 'blocking-call',
    source: waits('from time import sleep as rest; rest(0.01)  # here'),
    fix: 'Make answer a def',
  },
  {
    what: 'subprocess.run',
    code: 'blocking-call',
    source: waits('subprocess.run(["true"])  # here'),
    fix: 'Make answer a def',
  },
  {
    what: 'a download',
    code: 'blocking-call',
    source: waits('from urllib.request import urlopen; urlopen("data:,a")  # here'),
    fix: 'Make answer a def',
  },
  {
    what: 'os.system',
    code: 'blocking-call',
    source: waits('os.system("true")  # here'),
    fix: 'Make answer a def',
  },
  {
    what: 'a requirement without a version',
    code: 'unpinned-requirement',
    source: settings('requirements = [\n    "idna",  # here\n]'),
    fix: 'Pin idna to 3.10',
  },
  {
    what: 'a requirement with only a lower bound',
    code: 'unpinned-requirement',
    source: settings('requirements = ["idna>=3"]  # here'),
    fix: 'Pin idna to 3.10',
  },
  {
    what: 'a requirement whose version is not known here',
    code: 'unpinned-requirement',
    source: settings('requirements = [["idna==3.10"], ["six"]]  # here'),
  },
  {
    what: 'a model that is loaded in each request',
    code: 'model-outside-setup',
    source: app(`requirements = ["transformers==4.57.1"]

@fal.endpoint("/")
def answer(self, input: Input) -> Output:
    from transformers import pipeline

    model = pipeline("text-generation")  # here
    return Output(text=model(input.text))
`),
  },
  {
    what: 'a model that is loaded at import',
    code: 'model-outside-setup',
    source: `from transformers import AutoModel\n\nmodel = AutoModel.from_pretrained("gpt2")  # here\n${settings('')}`,
  },
  {
    what: 'a model as an attribute of the class',
    code: 'model-outside-setup',
    source: `import onnxruntime\n${settings('session = onnxruntime.InferenceSession("a.onnx")  # here')}`,
  },
  {
    what: 'a def with multiplexing',
    code: 'sync-multiplexing',
    source: app(`max_multiplexing = 4

@fal.endpoint("/")
def answer(self, input: Input) -> Output:  # here
    self.last = input.text
    return Output(text=self.last)
`),
    fix: 'Set max_multiplexing to 1',
  },
  {
    what: 'a token of Hugging Face',
    code: 'secret-in-source',
    source: app(
      `def setup(self):\n    os.environ["HF_TOKEN"] = "hf_${'aB3dE6gH9k'.repeat(3)}abcd"  # here\n\n${endpoint}`,
    ),
  },
  {
    what: 'a key of fal',
    code: 'secret-in-source',
    source: `KEY = "${falKey}"  # here\n${settings('')}`,
  },
  {
    what: 'a file that is too large',
    code: 'file-too-large',
    source: settings('app_files = ["prompts.txt", "weights.bin"]  # here'),
  },
  {
    what: 'a keep_alive that is shorter than setup()',
    code: 'keep-alive-short',
    source: settings('keep_alive = 10  # here'),
    fix: 'Set keep_alive to 60',
  },
  {
    what: 'limits of an image that nothing checks',
    code: 'limits-not-enforced',
    source: `from fal.toolkit import ImageSizeConstraints, ImageSizeField\n${settings('')}

class Sized(BaseModel):
    size: str = ImageSizeField(default="square", constraints=ImageSizeConstraints(max_width=1024))  # here
`,
  },
  {
    what: 'a maximum that is only in the schema',
    code: 'limits-not-enforced',
    source: `from pydantic import Field\n${settings('')}

class Counted(BaseModel):
    count: int = Field(default=1, json_schema_extra={"maximum": 8, "minimum": 1})  # here
`,
    fix: 'Add le=8, ge=1',
  },
  {
    what: 'an import that no requirement brings',
    code: 'missing-requirement',
    source: app(`requirements = ["einops==0.8.1"]

def setup(self):
    import numpy as np  # here

    self.one = np.ones(1)

${endpoint}`),
    fix: 'Add numpy==2.2.6 to requirements',
  },
  {
    what: 'an import of the file, in an app without requirements',
    code: 'missing-requirement',
    source: `import numpy as np  # here\n${app(`def setup(self):\n    self.one = np.ones(1)\n\n${endpoint}`)}`,
    fix: 'Add numpy==2.2.5 to requirements',
  },
  {
    what: 'an address that never gets its file',
    code: 'unfinished-reservation',
    source: `from fal.toolkit import File\n${app(`@fal.endpoint("/")
def answer(self, input: Input) -> Output:
    pending = File.reserve(file_name="a.txt")  # here
    return Output(text=pending.url)
`)}`,
  },
];

/** With these facts, every planted mistake is found. */
export const plantedFacts: CheckFacts = {
  environments: () => [
    new Map([['numpy', '2.2.5']]),
    new Map([
      ['idna', '3.10'],
      ['numpy', '2.2.6'],
      ['einops', '0.8.1'],
    ]),
  ],
  fileBytes: (_folder, path) => (path === 'weights.bin' ? 2 * 1024 ** 3 : 10),
  setupSeconds: (name) => (name === 'Planted' ? 42 : undefined),
};

/** A text after a quick fix. */
export function applied(text: string, edits: readonly Edit[]): string {
  const backwards = edits.toSorted((a, b) => b.from - a.from);
  return backwards.reduce((done, { from, to, text: by }) => done.slice(0, from) + by + done.slice(to), text);
}
