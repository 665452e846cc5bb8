import { appendFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { testFolder } from '../target/testing/emulator.ts';
import { followFile } from './follow-file.ts';

function follow(content: string, tailBytes: number) {
  const file = join(testFolder(), 'log');
  writeFileSync(file, content);
  const lines: string[] = [];
  const { close } = followFile(file, tailBytes, (line) => lines.push(line));
  onTestFinished(close);
  return { file, lines };
}

it('begins with the whole lines of the tail', () => {
  expect(follow('first\nsecond\nthird\n', 9).lines).toEqual(['third']);
  expect(follow('first\nsecond\n', 1_000).lines).toEqual(['first', 'second']);
});

it('continues with new lines, each once it is complete', async () => {
  const { file, lines } = follow('', 100);
  appendFileSync(file, 'one\ntw');
  await expect.poll(() => lines).toEqual(['one']);
  appendFileSync(file, 'o\n');
  await expect.poll(() => lines).toEqual(['one', 'two']);
});

it('continues with the new file when the old one was moved away', async () => {
  const { file, lines } = follow('old\n', 100);
  renameSync(file, `${file}.1`);
  writeFileSync(file, 'new\n');
  await expect.poll(() => lines).toEqual(['old', 'new']);
});

it('accepts a file that doesn’t exist', () => {
  followFile('/nowhere/log', 10, () => {}).close();
});
