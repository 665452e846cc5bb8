import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { hasModels, huggingFaceCache } from './hugging-face.ts';

it.each([
  [{}, join(homedir(), '.cache', 'huggingface')],
  [{ XDG_CACHE_HOME: '/caches' }, '/caches/huggingface'],
  [{ XDG_CACHE_HOME: '/caches', HF_HOME: '/models' }, '/models'],
  [{ HF_HOME: '' }, join(homedir(), '.cache', 'huggingface')],
])('the Hugging Face cache with %j is %s', (env, path) => {
  expect(huggingFaceCache(env)).toBe(path);
});

it('a cache has models when one was downloaded', () => {
  const cache = mkdtempSync(join(tmpdir(), 'minifal-hf-'));
  onTestFinished(() => rmSync(cache, { recursive: true }));
  expect(hasModels(cache)).toBe(false);
  mkdirSync(join(cache, 'hub', '.locks'), { recursive: true });
  expect(hasModels(cache)).toBe(false);
  mkdirSync(join(cache, 'hub', 'models--fal--tiny'));
  expect(hasModels(cache)).toBe(true);
});
