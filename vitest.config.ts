import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';
import { longestFirst } from './scripts/longest-first.ts';

const longest = [
  'emulator/reload/loader/random.test.ts',
  'emulator/engines/process/swap-edits.test.ts',
  'emulator/reload/loader/table.test.ts',
  'emulator/scheduler/step.property.test.ts',
  'emulator/faults.test.ts',
];

/**
 * Unit and property tests, no emulator. Those of builds/ and of the engine's SDK half install real packages with uv.
 */
export default defineConfig({
  test: {
    // The report at the end of `npm test` has the message alone: with the values in full.
    chaiConfig: { truncateThreshold: 2_000 },
    include: [
      'emulator/**/*.test.ts',
      'extension/**/*.test.ts',
      'webview/**/*.test.ts',
      'test/unit/**/*.test.ts',
      'test/support/**/*.test.ts',
      'test/conformance/**/*.test.ts',
    ],
    globalSetup: 'test/support/tools.ts',
    // Vitest would leave one core idle: of two, half.
    maxWorkers: availableParallelism(),
    sequence: { sequencer: longestFirst(longest) },
    testTimeout: process.env.MINIFAL_SLOW ? 600_000 : 30_000,
    // The end of a container engine.
    teardownTimeout: 60_000,
    // Not a second: a busy machine needs longer, and no test is about that time.
    expect: { poll: { timeout: 10_000 } },
  },
});
