import { expect, it } from 'vitest';
import { engineLab } from './testing/lab.ts';

const lab = engineLab();

/** Like the one in six up to 1.15, and so in urllib3 1.25. */
const old = `
import sys
class Old:
    def find_module(self, name, path=None): return None
def main():
    sys.meta_path.append(Old())
    for name in ("uvloop", "fal_client", "uvicorn.server"):
        try: __import__(name)
        except ImportError as error: print("missing", error.name, flush=True)
    print("done", flush=True)
`;

it('a missing module is also missing if a finder from before Python 3.4 is installed', async () => {
  const runner = lab.start(old);
  await runner.line(/^done/);
  const lines = runner.lines.map(({ text }) => text);
  expect(lines).toEqual(['missing uvloop', 'missing fal_client', 'missing uvicorn', 'done']);
});

/** As in an image, where nothing of the SDK was imported before. */
const several = `
from minifal_runner.inside import imports
def main():
    made = []
    for name in ("one", "two", "three"):
        change = lambda module, name=name: made.append((name, module.__name__))
        imports.after(lambda module: module == "colorsys", change)
    import colorsys
    print("made", made, flush=True)
`;

it('several changes of a module are all made, in their order', async () => {
  const { text } = await lab.start(several).line(/^made/);
  expect(text).toBe("made [('one', 'colorsys'), ('two', 'colorsys'), ('three', 'colorsys')]");
});
