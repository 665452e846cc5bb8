import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { formatAddress } from './address.ts';
import type { Operation } from './openapi.ts';
import { createOperations } from './operations.ts';

const address = { file: 'app.py', app: 'Painter', path: '/slow' };
let target = { owner: 'local', alias: 'painter', revision: '1', isDeployed: true, isReady: false, isBusy: false };
const nothing = { query: [], both: [] };
const slow: Operation = { method: 'POST', path: '/slow', summary: 'Slow', input: { type: 'object' }, ...nothing };
const main: Operation = { method: 'POST', path: '/', summary: '', input: undefined, ...nothing };

async function testFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'minifal-operations-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

it('asks a revision only once', async () => {
  const run = { ...target, alias: 'a-run', isDeployed: false, isReady: true };
  let asks = 0;
  const operations = async () => {
    asks++;
    return [slow];
  };
  const targets = { find: async () => run, operations };
  const made = createOperations({ targets, folder: await testFolder(), changed: () => undefined });
  for (let times = 0; times < 3; times++) expect(await made.find(address)).toEqual(slow);
  expect(asks).toBe(1);
});

it('keeps what an app said, also after a reload while it does not run', async () => {
  const folder = await testFolder();
  let says: readonly Operation[] | undefined = [main, slow];
  const changed: string[] = [];
  const make = () =>
    createOperations({
      folder: join(folder, 'schemas'),
      targets: { find: async () => (says ? target : undefined), operations: async () => says ?? [] },
      changed: (one) => void changed.push(formatAddress(one)),
    });

  expect(await make().find(address)).toEqual(slow);
  expect(changed).toEqual(['fal-call:/app.py::Painter', 'fal-call:/app.py::Painter/slow']);

  says = undefined;
  const later = make();
  expect(later.known(address)).toBeUndefined();
  expect(await later.find(address)).toEqual(slow);
  expect(await later.find({ ...address, app: 'Other' })).toBeUndefined();

  target = { ...target, revision: '2' };
  says = [{ ...slow, summary: 'Slower' }];
  changed.length = 0;
  expect((await later.find(address))?.summary).toBe('Slower');
  await later.find(address);
  expect(changed).toEqual(['fal-call:/app.py::Painter/slow']);
});

it('has at once what an app said last, in another revision or window, while it does not answer', async () => {
  const folder = await testFolder();
  let says = Promise.resolve<readonly Operation[]>([main, slow]);
  const targets = { find: async () => target, operations: () => says };
  const made = createOperations({ targets, folder, changed: () => undefined });
  const how = { mayWait: true, signal: AbortSignal.timeout(60_000) };
  expect([made.hasAnswered(address, target), await made.last(address)]).toEqual([false, []]);
  await made.learn(address, target, how);
  expect([made.hasAnswered(address, target), await made.last(address)]).toEqual([true, [main, slow]]);

  const next = { ...target, revision: 'next' };
  let answer = (_: readonly Operation[]): void => undefined;
  says = new Promise((resolve) => {
    answer = resolve;
  });
  const learned = made.learn(address, next, how);
  const before = target;
  target = next;
  // It isn't asked a second time meanwhile.
  expect(await made.find({ ...address, path: '/added' })).toBeUndefined();
  expect([made.hasAnswered(address, next), await made.last({ ...address, path: '/' })]).toEqual([false, [main, slow]]);
  target = before;
  const later = createOperations({ targets, folder, changed: () => undefined });
  expect([later.hasAnswered(address, target), await later.last(address)]).toEqual([false, [main, slow]]);
  answer([main, { ...slow, path: '/added' }]);
  await learned;
  expect(made.known({ ...address, path: '/added' })?.path).toBe('/added');
});

it('has what the present code describes, where a run and a deployment of one app differ', async () => {
  const folder = await testFolder();
  const deployed = { ...target, revision: 'deployed' };
  const run = { ...target, alias: 'a-run', revision: 'r', isDeployed: false, isReady: true };
  const says = new Map([
    [deployed.alias, [main, slow]],
    [run.alias, [main, { ...slow, summary: 'Edited' }]],
  ]);
  let now = deployed;
  const targets = { find: async () => now, operations: async ({ alias }: typeof now) => says.get(alias) ?? [] };
  const made = createOperations({ targets, folder, changed: () => undefined });
  const how = { mayWait: true, signal: AbortSignal.timeout(60_000) };
  await made.learn(address, deployed, how);
  now = run;
  await made.learn(address, run, how);
  now = deployed;
  expect(made.hasAnswered(address, run)).toBe(true);
  expect(made.hasAnswered(address, deployed)).toBe(false);
  expect((await made.find(address))?.summary).toBe('Slow');
  expect(made.hasAnswered(address, deployed)).toBe(true);
  // Another address of the same app has its own description.
  const byAlias = { alias: deployed.alias, path: '/slow' };
  expect([made.hasAnswered(byAlias, deployed), await made.find(byAlias)]).toEqual([false, slow]);
});
