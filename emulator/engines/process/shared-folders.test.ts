import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ownDisk } from './testing/own-disk.ts';

const adds = `
import json, os
def main():
    def add(path):
        try:
            with open(os.path.expanduser(path), "w") as file: file.write("added")
            return "added"
        except OSError as error: return type(error).__name__
    hub = "/data/.cache/huggingface/hub"
    found = [sorted(os.listdir(os.path.expanduser(folder))) for folder in ("~/read", "~/write", hub)]
    print(json.dumps([*found, add("~/read/more"), add("~/write/more"), add(hub + "/more")]))
`;

describe.each([false, true])('deliberately shared folders (the Hugging Face cache writable: %s)', (writable) => {
  let disk: ReturnType<typeof ownDisk>;
  beforeAll(() => {
    disk = ownDisk((home) => {
      for (const name of ['read', 'write', 'hf/hub']) mkdirSync(join(home, name), { recursive: true });
      for (const name of ['read', 'write', 'hf/hub']) writeFileSync(join(home, name, 'model'), 'weights');
      return {
        folders: [
          { path: join(home, 'read'), writable: false },
          { path: join(home, 'write'), writable: true },
        ],
        huggingFace: { path: join(home, 'hf'), writable },
      };
    });
  });
  afterAll(() => disk.close());

  it('are visible, and writable only where requested', async () => {
    const { home } = disk;
    const { output } = await disk.run(adds);
    expect(output).toEqual([[['model'], ['model'], ['model'], 'OSError', 'added', 'added']]);
    expect(readdirSync(join(home, 'read'))).toEqual(['model']);
    expect(readdirSync(join(home, 'write')).sort()).toEqual(['model', 'more']);
    expect(readdirSync(join(home, 'hf', 'hub')).sort()).toEqual(writable ? ['model', 'more'] : ['model']);
    expect(readdirSync(home).sort()).toEqual(['diary', 'hf', 'read', 'write']);
  });
});
