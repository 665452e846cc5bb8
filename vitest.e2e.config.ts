import { defineConfig } from 'vitest/config';

/**
 * Tests with a real emulator, the real `fal` command and real clients. One file at a time: they share two cores and
 * measure nothing.
 */
export default defineConfig({
  test: {
    include: ['test/e2e/**/*.test.ts'],
    fileParallelism: false,
    pool: 'forks',
    testTimeout: process.env.MINIFAL_SLOW ? 3_600_000 : 180_000,
    hookTimeout: 300_000,
    teardownTimeout: 60_000,
  },
});
