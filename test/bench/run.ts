// `npm run bench [NAME ...] [--quick]` (the names are the keys of `benches`): ratios measured in one run, alternating;
// every answer is checked. Needs dist/ (`npm run build`). `npm test` runs no benchmark, because times on a busy machine
// prove nothing.
import { parseArgs } from 'node:util';
import { benchChecks } from './checks.ts';
import { benchContainers } from './containers.ts';
import { benchGateway } from './gateway.ts';
import { benchGrowth } from './growth.ts';
import { benchInlineLogs } from './inline-logs.ts';
import { benchIsolation } from './isolation.ts';
import { benchLive } from './live.ts';
import { benchLogPane } from './log-pane.ts';
import { benchLogs } from './logs.ts';
import { benchPlaces } from './places.ts';
import { benchQueue } from './queue.ts';
import { benchReload } from './reload.ts';
import { benchScale } from './scale.ts';
import { benchStart } from './start.ts';
import { benchRestart, benchState } from './state.ts';
import { benchUsage } from './usage.ts';

const { values, positionals } = parseArgs({ allowPositionals: true, options: { quick: { type: 'boolean' } } });
const quick = values.quick ?? false;
const benches: { readonly [name: string]: () => Promise<void> } = {
  checks: async () => benchChecks({ rounds: quick ? 30 : 200 }),
  containers: () => benchContainers({ rounds: quick ? 3 : 10 }),
  gateway: () => benchGateway(quick ? { rounds: 300, seconds: 1 } : { rounds: 2000, seconds: 4 }),
  growth: () =>
    benchGrowth({
      waiting: [10, 1_000, quick ? 20_000 : 100_000],
      runners: [10, 100, 1_000],
      apps: [10, 100, 1_000],
      finished: [10, 10_000, quick ? 100_000 : 1_000_000],
    }),
  isolation: () => benchIsolation({ rounds: quick ? 20 : 100 }),
  live: () => benchLive(quick ? { rounds: 2, seconds: 3 } : { rounds: 5, seconds: 5 }),
  'log-pane': () =>
    benchLogPane(
      quick
        ? { lines: 100_000, rounds: 3, perSecond: 500, seconds: 3 }
        : { lines: 1_000_000, rounds: 5, perSecond: 500, seconds: 10 },
    ),
  logs: () => benchLogs(quick ? { lines: 100_000, rounds: 3 } : { lines: 1_000_000, rounds: 5 }),
  'inline-logs': () => benchInlineLogs({ lines: 100_000, rounds: quick ? 1 : 5 }),
  places: () => benchPlaces(quick ? { calls: 50, pairs: 3 } : { calls: 200, pairs: 15 }),
  queue: () => benchQueue(quick ? { submits: 5_000, rounds: 200 } : { submits: 30_000, rounds: 1000 }),
  reload: () =>
    benchReload(
      quick
        ? { edits: 3, setupSeconds: 1, kinds: 4, ocrEdits: 0 }
        : { edits: 20, setupSeconds: 10, kinds: 17, ocrEdits: 20 },
    ),
  restart: () => benchRestart({ waiting: 20_000, starts: quick ? 3 : 10 }),
  scale: () => benchScale({ rounds: quick ? 2 : 5 }),
  start: () => benchStart({ rounds: quick ? 3 : 10 }),
  state: () =>
    benchState({ apps: 50, requests: 100_000, ...(quick ? { starts: 3, polls: 300 } : { starts: 10, polls: 2000 }) }),
  usage: () => benchUsage({ seconds: quick ? 10 : 60 }),
};

const chosen = positionals.length > 0 ? positionals : Object.keys(benches);
for (const name of chosen) {
  const bench = benches[name];
  if (!bench) throw new Error(`there is no benchmark ${name}; choose from ${Object.keys(benches).join(', ')}`);
  console.log(`\n== ${name}`);
  await bench();
}
