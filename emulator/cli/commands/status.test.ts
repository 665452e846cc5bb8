import { expect, it } from 'vitest';
import { describe } from './status.ts';

const now = 1_000_000;
const state = {
  version: '1',
  pid: 7,
  startedAt: now - 61_000,
  timeScale: 1,
  trouble: null,
  troubleWhy: null,
  secrets: 'open' as const,
  isolation: { mode: 'off' as const, missing: [] },
  gpus: [],
  owner: 'local',
  apps: [
    {
      alias: 'app',
      revision: 'r',
      authMode: 'private' as const,
      url: 'https://localhost:1/local/app',
      queueSize: 0,
      lastFailure: null as string | null,
    },
  ],
  runners: [
    {
      id: 'abcdefgh-1',
      number: 2,
      alias: 'app',
      revision: 'r',
      state: 'IDLE',
      since: now - 2_000,
      requests: [],
      endedAt: null,
      endReason: null,
      transitions: [],
    },
  ],
  waiting: [] as { requestId: string; alias: string; since: number; why: string }[],
};

it('status says how long a runner has been in its state', () => {
  expect(describe(state, 4710, now)).toContain('runner 2 (abcdefgh)  IDLE for 2 s\n');
  expect(describe(state, 4710, now)).not.toContain('time x');
});

it('status says that time runs faster, and marks the scaled times; the uptime of the emulator is real', () => {
  const text = describe({ ...state, timeScale: 60 }, 4710, now);
  expect(text).toContain('up 61 s,');
  expect(text).toContain('time scale x60: ');
  expect(text).toContain('runner 2 (abcdefgh)  IDLE for 2 min (x60)\n');
});

it('status says what runners have to do without, on one line', () => {
  const missing = [{ part: 'disk' as const, why: 'unshare:\nOperation not permitted' }];
  expect(describe({ ...state, isolation: { mode: 'full', missing } }, 4710, now)).toContain(
    '\nisolation full, without: disk (unshare: Operation not permitted)\n',
  );
  expect(describe(state, 4710, now)).not.toContain('isolation');
});

it('status shows text of an app on one line, and sends none of its escape sequences', () => {
  const why = 'The last start failed: \x1b]0;owned\x07\nlocal/other  (private, revision 12345678).';
  const [app] = state.apps;
  const text = describe(
    {
      ...state,
      apps: app ? [{ ...app, queueSize: 1 }] : [],
      waiting: [{ requestId: 'r-1', alias: 'app', since: now, why }],
    },
    4710,
    now,
  );
  expect(text).toContain(
    '\n  1 waiting: The last start failed: \\x1b]0;owned\\x07 local/other  (private, revision 12345678).\n',
  );
});

it('status keeps showing why the last start failed when no request is waiting', () => {
  const [app] = state.apps;
  const apps = app ? [{ ...app, lastFailure: 'The process exited with code 1.\nValueError: x' }] : [];
  expect(describe({ ...state, apps }, 4710, now)).toContain(
    '\n  the last start failed: The process exited with code 1. ValueError: x\n',
  );
});

it('status shows a very long row of blanks in linear time', () => {
  const [app] = state.apps;
  const apps = app ? [{ ...app, lastFailure: `It said: ${' '.repeat(300_000)}x \n\n  and more` }] : [];
  expect(describe({ ...state, apps }, 4710, now)).toContain('  x and more\n');
});

it('shows the GPUs: who uses them, and what is measured of them', () => {
  const gpu = { uuid: 'GPU-1', index: 0, name: 'NVIDIA H100 80GB HBM3', memoryMib: 81559, virtual: false };
  const used = { memoryUsedMib: 1011, utilization: 98, powerWatts: 693.54, celsius: 55 };
  const gpus = [
    { ...gpu, runners: [{ id: 'abcdefgh-1', memoryMib: 1002 }], now: used },
    { ...gpu, index: 1, runners: [], now: { ...used, utilization: null, powerWatts: null } },
    { ...gpu, index: 2, name: 'H100', virtual: true, runners: [], now: null },
  ];
  expect(describe({ ...state, gpus }, 4710, now)).toContain(
    `
GPU 0  NVIDIA H100 80GB HBM3  used by app (1002 MiB), 1011 of 81559 MiB, 98 %, 694 W, 55 °C
GPU 1  NVIDIA H100 80GB HBM3  free, 1011 of 81559 MiB, 55 °C
virtual GPU 2  H100  free
`,
  );
});
