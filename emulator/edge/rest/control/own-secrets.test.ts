import { expect, it } from 'vitest';
import { ownSecretsSchema } from '../../../wire/secrets.ts';
import { restServer } from '../testing/rest.ts';

it('the editor lists, sets and removes secrets, and never gets a value back', async () => {
  const { rooms, url, get, send } = await restServer();
  expect((await fetch(url('/minifal/secrets'))).status).toBe(401);
  rooms.catalog.createEnvironment('dev', null);
  rooms.catalog.setSecret('OLD', 'old-value', 'dev');

  const set = { HF_TOKEN: 'hf-value', S3_KEY: 's3-value' };
  const changed = await send('POST', '/minifal/secrets', { set });
  expect(changed.status).toBe(200);
  const names = async () =>
    ownSecretsSchema
      .parse((await get('/minifal/secrets')).json)
      .secrets.map(({ name, environment }) => [environment, name]);
  expect(await names()).toEqual([
    ['main', 'HF_TOKEN'],
    ['main', 'S3_KEY'],
    ['dev', 'OLD'],
  ]);
  expect(rooms.catalog.secretValues('main', null)).toEqual(set);
  expect(JSON.stringify([changed, await get('/minifal/secrets')])).not.toContain('-value');

  await send('POST', '/minifal/secrets', { set: { S3_KEY: 'new' }, remove: ['HF_TOKEN'] });
  await send('POST', '/minifal/secrets', { environment: 'dev', remove: ['OLD'] });
  expect(await names()).toEqual([['main', 'S3_KEY']]);
  expect(rooms.catalog.secretValues('main', null)).toEqual({ S3_KEY: 'new' });
});

it('takes a name that JavaScript gives a meaning', async () => {
  const { rooms, send } = await restServer();
  const set = JSON.parse('{ "__proto__": "secret-value", "constructor": "other" }');
  expect((await send('POST', '/minifal/secrets', { set })).status).toBe(200);
  expect(Object.entries(rooms.catalog.secretValues('main', null))).toEqual([
    ['__proto__', 'secret-value'],
    ['constructor', 'other'],
  ]);
  const bad = JSON.parse('{ "__proto__": 7 }');
  expect((await send('POST', '/minifal/secrets', { set: bad })).status).toBe(422);
});

it.each([
  ['a name that no variable can have', { set: { GOOD: 'x', 'bad-name': 'secret-value' } }, 422],
  ['a name that the platform sets itself', { set: { GOOD: 'x', FAL_KEY: 'secret-value' } }, 422],
  ['a value with NUL', { set: { GOOD: 'x', OTHER: 'secret-value\0' } }, 422],
  ['an unknown environment', { environment: 'nowhere', set: { GOOD: 'secret-value' } }, 404],
])('%s changes nothing, and the refusal has no value in it', async (_, body, status) => {
  const { rooms, send } = await restServer();
  const answer = await send('POST', '/minifal/secrets', body);
  expect(answer.status).toBe(status);
  expect(JSON.stringify(answer)).not.toContain('secret-value');
  expect(rooms.catalog.listSecrets('main')).toEqual([]);
});
