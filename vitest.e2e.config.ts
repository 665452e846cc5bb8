import { defineConfig } from 'vitest/config';
import { longestFirst } from './scripts/longest-first.ts';

const longest = [
  'test/e2e/cli.test.ts',
  'test/e2e/restricted.test.ts',
  'test/e2e/contributing.test.ts',
  'test/e2e/requirements.test.ts',
  'test/e2e/crash.test.ts',
  'test/e2e/reload-edits.test.ts',
];

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
    sequence: { sequencer: longestFirst(longest) },
    testTimeout: process.env.MINIFAL_SLOW ? 3_600_000 : 180_000,
    hookTimeout: 300_000,
    teardownTimeout: 60_000,
  },
});
