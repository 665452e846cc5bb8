import { expect, it } from 'vitest';
import { revisionDefaults, scaleDefaults } from '../../../catalog/scale-settings.ts';
import { statusSchema } from '../../../wire/status.ts';
import { restServer } from '../testing/rest.ts';
import { waits } from '../testing/waits.ts';

const alias = {
  environmentName: 'main',
  revision: 'rev-1',
  authMode: 'private' as const,
  machineTypes: ['XS'],
  validRegions: [],
  updatedAt: 1,
  scale: scaleDefaults,
  settings: revisionDefaults,
};

async function status(names: readonly string[]) {
  const server = await restServer();
  for (const name of names) server.rooms.catalog.putAlias({ ...alias, name });
  server.fleetPlan.queueSize = 100_000;
  let asked = 0;
  server.fleet.waiting = (name, max) => {
    asked += max;
    return Array.from({ length: max }, (_, n) => ({ id: `${name}-${n}`, since: 0 }));
  };
  server.fleet.why = (id) => waits(id);
  server.fleet.queuePosition = () => 0;
  const { json } = await server.get('/minifal/status');
  return { ...statusSchema.parse(json), asked };
}

it('shows the first hundred waiting requests, and reads no more', async () => {
  const { waiting, asked } = await status(['demo']);
  expect(waiting.map(({ requestId }) => requestId)).toEqual(Array.from({ length: 100 }, (_, n) => `demo-${n}`));
  expect(asked).toBe(100);
});

it('shows why each app waits, however many wait for another', async () => {
  const names = Array.from({ length: 150 }, (_, n) => `app-${n}`);
  const { waiting } = await status(names);
  expect(waiting.map(({ why }) => why)).toEqual(names.map((name) => `Attempt 1 begins in 0 s: ${name}-0.`));
});
