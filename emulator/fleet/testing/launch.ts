import type { Launch } from '../types.ts';

/** For tests and benches: how a runner of a scripted engine is started. */
export const testLaunch: Launch = {
  environment: { kind: 'virtualenv', id: 'e' },
  callable: { kind: 'entrypoint', name: 'app:main' },
  mode: 'serve',
  declaredPort: 8080,
  appFiles: [],
  secretNames: null,
  environmentName: 'main',
  machineType: 'XS',
};
