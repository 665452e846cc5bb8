import { defineConfig } from 'vitest/config';

/**
 * Tests with a real emulator, the real `fal` command and real clients. Two files at a time: they measure nothing, and
 * wait for starts, ends and timers of emulators most of the time.
 */
export default defineConfig({
  test: {
    // The report at the end of `npm test` has the message alone: with the values in full.
    chaiConfig: { truncateThreshold: 2_000 },
    include: ['test/e2e/**/*.test.ts'],
    globalSetup: 'test/support/tools.ts',
    maxWorkers: 2,
    pool: 'forks',
    testTimeout: process.env.MINIFAL_SLOW ? 3_600_000 : 180_000,
    hookTimeout: 300_000,
    teardownTimeout: 60_000,
  },
});
