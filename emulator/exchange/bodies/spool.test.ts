import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { createSpool, type SpooledBytes } from './spool.ts';

function folder(): string {
  const made = mkdtempSync(join(tmpdir(), 'minifal-spool-'));
  onTestFinished(() => rmSync(made, { recursive: true, force: true }));
  return made;
}

async function all(bytes: SpooledBytes): Promise<string> {
  let text = '';
  for await (const chunk of bytes.chunks()) text += chunk.toString();
  return text;
}

it('returns what it stored, and nothing that it refused for lack of room', async () => {
  const held = createSpool(folder(), 10).open();
  expect(await held.append(Buffer.from('12345'))).toBe(true);
  expect(await held.append(Buffer.from('too much'))).toBe(false);
  expect(await held.append(Buffer.from('67890'))).toBe(true);
  expect(await all(held)).toBe('1234567890');
});

it('stores nothing and takes up no room when it cannot write a file', async () => {
  const file = join(folder(), 'file');
  writeFileSync(file, '');
  const spool = createSpool(file, 10);
  for (let round = 0; round < 3; round++) {
    const held = spool.open();
    expect(await held.append(Buffer.alloc(10))).toBe(false);
    expect(await all(held)).toBe('');
    held.discard();
  }
});
