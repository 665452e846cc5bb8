import { expect, it } from 'vitest';
import { isPlatformVariable } from '../../wire/secrets.ts';
import { runnerEnv } from './runner-env.ts';

const input = {
  hosts: { api: 'localhost:1', run: 'localhost:2', queue: 'localhost:3', ws: 'localhost:4' },
  account: { userId: 'u', nickname: 'local', fullName: 'Local' },
  key: 'id:secret',
  caBundle: '/ca.pem',
  controllerToken: 'token',
  labelsPort: 5,
  runnerId: 'r-1',
  alias: 'app',
  revision: 'rev',
  secrets: { TOKEN: 'x', PATH: '/evil', FAL_RUN_HOST: 'evil.example' },
};

it('no secret overrides a variable of the platform', () => {
  const env = runnerEnv(input);
  expect(env).toMatchObject({ TOKEN: 'x', FAL_RUN_HOST: 'localhost:2' });
  expect(env).not.toHaveProperty('PATH');
});

it('every variable of the platform is recognized', () => {
  const set = Object.keys(runnerEnv({ ...input, secrets: {} }));
  expect(set.filter((name) => !isPlatformVariable(name))).toEqual([]);
});
