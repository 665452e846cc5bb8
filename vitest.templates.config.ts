import { defineConfig } from 'vitest/config';

/** `npm run test:templates`: templates whose packages are too large for `npm test`. */
export default defineConfig({
  test: {
    include: ['test/templates/**/*.test.ts'],
    globalSetup: ['test/support/tools.ts', 'test/templates/downloads.ts'],
    maxWorkers: 1,
    pool: 'forks',
    testTimeout: 900_000,
    hookTimeout: 300_000,
    teardownTimeout: 60_000,
  },
});
