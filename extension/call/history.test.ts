import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { createHistory, type PastCall, unfinished } from './history.ts';

async function folder(): Promise<string> {
  const made = await mkdtemp(join(tmpdir(), 'minifal-history-'));
  onTestFinished(() => rm(made, { recursive: true }));
  return join(made, 'calls');
}

const call = (at: number, text = '{}'): PastCall => ({
  at,
  address: 'fal-call:/app.py::Painter',
  method: 'POST',
  mode: 'direct',
  input: { n: at },
  answer: 'a',
  document: '/painter.fal.json',
  status: 200,
  head: '200 · 14 ms',
  requestId: `r${at}`,
  body: { text, language: 'json' },
});

it('keeps calls across reloads, the latest first, and no more than 200', async () => {
  const path = await folder();
  const history = createHistory(path);
  await Promise.all(Array.from({ length: 210 }, (_, index) => history.add(call(index))));
  const kept = await createHistory(path).list();
  expect(kept).toHaveLength(200);
  expect(kept[0]).toEqual(call(209));
  expect(await readdir(path)).toHaveLength(200);
});

it.each(['direct', 'queue'] as const)('lists a call (%s) once, as it ended', async (mode) => {
  const path = await folder();
  const history = createHistory(path);
  await history.add({ ...call(1), mode, requestId: null, head: unfinished[mode], status: null });
  await history.add({ ...call(1), mode, head: 'cancelled', status: null });
  expect((await history.list()).map(({ head }) => head)).toEqual(['cancelled']);
  expect(await readdir(path)).toHaveLength(1);
  await history.add({ ...call(2), mode, requestId: null, head: unfinished[mode], status: null });
  const reloaded = createHistory(path);
  await reloaded.add({ ...call(2), mode });
  expect((await reloaded.list()).map(({ head }) => head)).toEqual(['200 · 14 ms', 'cancelled']);
});

it('shortens long answers and leaves out huge inputs', async () => {
  const history = createHistory(await folder());
  await history.add(call(1, 'x'.repeat(1_000_000)));
  await history.add({ ...call(2), input: { text: 'x'.repeat(1_000_000) } });
  const [only, ...others] = await history.list();
  expect(others).toEqual([]);
  expect(only?.body.text).toMatch(/^x{65536}\n… the rest was not kept\n$/);
});

it('reads nothing from damaged files, and nothing where there is no folder', async () => {
  const path = await folder();
  const history = createHistory(path);
  expect(await history.list()).toEqual([]);
  await history.add(call(3));
  const [name = ''] = await readdir(path);
  const text = await readFile(join(path, name), 'utf8');
  await writeFile(join(path, '000000000000004-1-1.json'), text.slice(0, 40));
  await writeFile(join(path, '000000000000005-1-1.json'), '{"at":1}');
  expect(await history.list()).toEqual([call(3)]);
});
