import { describe, expect, it } from 'vitest';
import { restServer } from './testing/rest.ts';

const id = '0b6c1d9e-1111-4222-8333-444455556666';
const path = `/requests/billable-units/${id}`;

describe('a late report of billable units', () => {
  it('settles a request that waits for it', async () => {
    const { send, lateUnits, logs } = await restServer();
    lateUnits.expect({ id, alias: 'world', runnerId: 'r', endpoint: '/start-session' });
    const { status, json } = await send('POST', path, { billable_units: '12.50000000' });
    expect([status, json]).toEqual([200, { billable_units: '12.50000000' }]);
    const [line] = logs.query({ requestId: id, limit: 1, order: 'newest' });
    expect(line?.message).toBe('Billable units settled: 12.50000000');
  });

  it('is 404 if no request waits', async () => {
    const { send } = await restServer();
    const { status, json } = await send('POST', path, { billable_units: '1' });
    expect([status, json]).toEqual([404, { detail: `No request ${id} is waiting for billable units.` }]);
  });

  it.each([
    ['/requests/billable-units/not-a-uuid', { billable_units: '1' }],
    [path, {}],
    [path, { billable_units: 1 }],
    [path, { billable_units: '-1' }],
    [path, { billable_units: 'NaN' }],
    [path, { billable_units: '1e9' }],
  ])('is checked: %s %j', async (where, body) => {
    const { send } = await restServer();
    expect((await send('POST', where, body)).status).toBe(422);
  });

  it('needs a key', async () => {
    const { send } = await restServer();
    expect((await send('POST', path, { billable_units: '1' }, { authorization: 'Key a:b' })).status).toBe(401);
  });
});
