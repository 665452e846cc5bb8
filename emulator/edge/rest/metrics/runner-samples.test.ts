import { expect, it } from 'vitest';
import { runnerSamplesSchema } from '../../../wire/samples.ts';
import { restServer } from '../testing/rest.ts';

async function measured() {
  const server = await restServer();
  const { samples, state, runnerHistory } = server;
  const begin = state.now - 40_000;
  runnerHistory.started({ id: 'r', alias: 'greet', revision: 'rev-1', machineType: 'XS', startedAt: begin });
  for (let at = begin; at < state.now; at += 1_000)
    samples.add([{ runnerId: 'r', sample: { at, cores: 0.5, memoryBytes: at - begin } }]);
  const read = async (query: string) =>
    runnerSamplesSchema.parse((await server.get(`/minifal/runners/r/samples${query}`)).json);
  return { ...server, begin, read };
}

it('has what a runner used in the last 15 minutes, second by second', async () => {
  const { read, begin } = await measured();
  const { runnerId, stepSeconds, at, cores, memoryBytes, gpuUtilization, gpuMemoryBytes, powerWatts } = await read('');
  expect([runnerId, stepSeconds, at.length, cores[7], memoryBytes[7]]).toEqual(['r', 1, 40, 0.5, 7_000]);
  expect(at[7]).toBe(begin - (begin % 1_000) + 7_000);
  for (const list of [gpuUtilization, gpuMemoryBytes, powerWatts]) expect(list).toEqual(Array(40).fill(null));
});

it('has other times, and longer steps', async () => {
  const { read, begin, state } = await measured();
  expect((await read(`?from=${begin + 10_000}&to=${begin + 20_000}&step=1`)).at).toHaveLength(10);
  expect(await read('?step=3600')).toMatchObject({ stepSeconds: 3_600, memoryBytes: [39_000] });
  expect(await read(`?from=${state.now - 3_600_000}`)).toMatchObject({ stepSeconds: 10 });
  expect(await read(`?from=${state.now - 7 * 24 * 3_600_000}`)).toMatchObject({ stepSeconds: 60 });
  expect((await read(`?from=${state.now}&to=0`)).at).toEqual([]);
});

it('is bounded, of known runners, and the owner’s', async () => {
  const { get, state, url } = await measured();
  const statusOf = async (path: string) => (await get(`/minifal/runners/${path}`)).status;
  expect(await statusOf(`r/samples?from=${state.now - 24 * 3_600_000}&step=1`)).toBe(422);
  expect(await statusOf('r/samples?from=0')).toBe(422);
  for (const query of ['step=0', 'step=x', 'from=-1', 'to=1e99', 'from=NaN', 'step=0.5'])
    expect([query, await statusOf(`r/samples?${query}`)]).toEqual([query, 422]);
  expect(await statusOf('none/samples')).toBe(404);
  expect((await fetch(url('/minifal/runners/r/samples'))).status).toBe(401);
});
