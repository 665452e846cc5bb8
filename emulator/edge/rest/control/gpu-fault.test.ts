import { expect, it } from 'vitest';
import { restServer } from '../testing/rest.ts';

const gpu = { uuid: 'VIRTUAL-0', index: 0, name: 'H100', virtual: true } as const;
const real = { uuid: 'GPU-1', index: 1, name: 'NVIDIA H100' };

it('makes a fault in a virtual GPU, and says which runners had it', async () => {
  const { fleetPlan, calls, send, url } = await restServer();
  fleetPlan.gpus = [{ gpu, runners: [{ id: 'r-1', pid: 7 }] }];
  expect((await fetch(url('/minifal/gpus/0/fault'), { method: 'POST' })).status).toBe(401);
  expect(await send('POST', '/minifal/gpus/0/fault')).toMatchObject({
    status: 200,
    json: { runners: [{ id: 'r-1', alias: '' }] },
  });
  expect((await send('POST', '/minifal/gpus/0/fault', { kind: 'error' })).status).toBe(200);
  expect(calls.filter(({ method }) => method === 'failGpu').map(({ args }) => args)).toEqual([
    ['VIRTUAL-0', 'out-of-memory'],
    ['VIRTUAL-0', 'error'],
  ]);
});

it('refuses real GPUs, those that are not there, and unknown faults', async () => {
  const { fleetPlan, calls, send } = await restServer();
  expect(await send('POST', '/minifal/gpus/0/fault')).toMatchObject({ status: 400, json: { code: 'GPU_MISSING' } });
  fleetPlan.gpus = [gpu, real].map((one) => ({ gpu: one, runners: [] }));
  expect(await send('POST', '/minifal/gpus/1/fault')).toMatchObject({
    status: 400,
    json: { code: 'GPU_NOT_VIRTUAL', detail: expect.stringContaining('GPU 1 (NVIDIA H100) is a real one.') },
  });
  expect((await send('POST', '/minifal/gpus/01/fault')).status).toBe(400);
  expect((await send('POST', '/minifal/gpus/0/fault', { kind: 'smoke' })).status).toBe(422);
  expect(calls).toEqual([]);
});
