// What the checks of an app's source cost, which the editor makes after each change: a file of 1,000 lines, with every
// kind of code that is looked at. Parsing is a part of it, and is also measured alone.
import { checkPython } from '../../emulator/local/checks/check.ts';
import { checkPublic } from '../../emulator/local/checks/public/check-public.ts';
import { readTree } from '../../emulator/local/python-code/tree.ts';
import { show } from './stats.ts';

const lines = 1_000;
/** Of one round, in which something is wrong in the last app only. */
const goalMs = 20;

export function benchChecks({ rounds }: { readonly rounds: number }): void {
  const text = sourceOf(lines);
  const nothing = { readModule: () => undefined, auth: () => 'shared', hasLicence: true, hasThumbnail: true };
  const variants = {
    'parse alone': () => readTree(text).top.to,
    checks: () => checkPython(text).length,
    'checks --public': () => checkPython(text).length + checkPublic(text, undefined, { file: '', ...nothing }).length,
  };
  const expected = Object.fromEntries(Object.entries(variants).map(([name, run]) => [name, run()]));
  if (expected.checks !== 1) throw new Error(`${expected.checks} findings instead of 1`);
  const times = new Map<string, number[]>(Object.keys(variants).map((name) => [name, []]));
  for (let round = 0; round < rounds; round++) {
    for (const [name, run] of Object.entries(variants)) {
      const before = performance.now();
      const found = run();
      times.get(name)?.push(performance.now() - before);
      if (found !== expected[name]) throw new Error(`${name}: ${found} instead of ${expected[name]}`);
    }
  }
  console.log(`a file of ${lines} lines and ${text.length} bytes, ms, median (min .. max) of ${rounds}`);
  for (const [name, values] of times)
    console.log(`${name}: ${show(values)}${name === 'checks' ? `, goal ${goalMs}` : ''}`);
}

/** Apps with models, settings, imports and endpoints, until there are enough lines. The last line is wrong. */
function sourceOf(count: number): string {
  const imports = 'import asyncio\nimport os\n\nimport fal\nfrom fastapi import Response\n';
  const head = `${imports}from pydantic import BaseModel, Field\n\n\n`;
  const parts = Array.from({ length: Math.ceil(count / 40) }, (_, at) => appOf(at));
  const text = `${head}${parts.join('\n\n')}`.split('\n').slice(0, count - 2);
  while (!/^ {4,}return/.test(text.at(-1) ?? '')) text.pop();
  while (text.length < count - 2) text.push('');
  return [...text, 'class Last(fal.App):', '    machine_type = "H100"', ''].join('\n');
}

function appOf(at: number): string {
  return `class Input${at}(BaseModel):
    prompt: str = Field(description="What to paint.", examples=["a cat"], max_length=500)
    steps: int = Field(default=20, ge=1, le=50, description="How often.")


class Output${at}(BaseModel):
    image_url: str = Field(description="The picture.")


class Painter${at}(fal.App):
    app_name = "painter-${at}"
    machine_type = ["GPU-H100", "GPU-A100"]
    keep_alive = 300
    requirements = ["torch==2.7.0", "diffusers==0.35.1", "transformers==4.57.1", "accelerate==1.10.0"]

    def setup(self):
        import torch
        from diffusers import FluxPipeline

        self.pipe = FluxPipeline.from_pretrained("a/b", torch_dtype=torch.bfloat16).to("cuda")
        self.lock = asyncio.Lock()

    @fal.endpoint("/health", health_check=fal.HealthCheck())
    def health(self) -> dict:
        return {"device": os.environ.get("CUDA_VISIBLE_DEVICES", "")}

    @fal.endpoint("/")
    async def paint(self, input: Input${at}, response: Response) -> Output${at}:
        """Paints what the prompt says."""
        async with self.lock:
            pictures = await asyncio.to_thread(self.pipe, input.prompt, num_inference_steps=input.steps)
        for picture in pictures:
            print(f"a picture of {picture.width} x {picture.height}")
        response.headers["x-fal-billable-units"] = str(max(1, len(pictures)))
        return Output${at}(image_url=self.store(pictures[0], name=input.prompt[:20]))
`;
}
