import { defineConfig } from 'vitest/config';

/**
 * The packaged extension in a real VS Code with a browser, and real emulators. One file at a time: they share two
 * cores.
 */
export default defineConfig({
  test: {
    // The report at the end of `npm test` has the message alone: with the values in full.
    chaiConfig: { truncateThreshold: 2_000 },
    include: ['test/editor/**/*.test.ts'],
    globalSetup: 'test/editor/package.ts',
    fileParallelism: false,
    pool: 'forks',
    testTimeout: 240_000,
    hookTimeout: 900_000,
    teardownTimeout: 60_000,
  },
});
