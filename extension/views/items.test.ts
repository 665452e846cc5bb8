import { describe, expect, it } from 'vitest';
import type { Reason, RunnerRow } from '../target/live.ts';
import { appRow, liveWith } from '../target/testing/live.ts';
import { toItems } from './items.ts';
import { ticks } from './row.ts';
import { app, counts, items, now, painter, reason, revision, runner, upscale } from './testing/apps.ts';
import { draw, flat, seenOf } from './testing/draw.ts';
import { unclear } from './testing/meaning.ts';

describe('the view Apps', () => {
  it('shows the apps of the code while no emulator runs, each ready to be run', () => {
    const broken = [{ path: '/w/broken.py', file: 'broken.py', line: 2, why: "'(' was never closed" }];
    const add = { ...upscale, key: '/w/up.py::add', label: 'add', kind: 'function' as const };
    for (const state of ['stopped', 'starting'] as const) {
      const rows = toItems({ snapshot: { state }, found: [upscale, painter, add], broken }, now);
      expect(draw(rows)).toEqual([
        'add | function',
        'Painter | not running',
        'Upscale | not running',
        "broken.py | line 3: '(' was never closed",
      ]);
      expect(rows.map(({ kind }) => kind)).toEqual(['function', 'code', 'code', 'broken']);
      expect(rows[1]?.about).toMatchObject({ file: '/w/app.py', line: 16, app: 'Painter' });
    }
    expect(toItems({ snapshot: { state: 'stopped' } }, now)).toEqual([]);
  });

  it('says what begins now, before the emulator has the app', () => {
    const found = [
      { ...painter, begun: 'starting' as const },
      { ...upscale, begun: 'deploying' as const },
    ];
    for (const snapshot of [{ state: 'starting' as const }, { live: liveWith({}) }])
      expect(draw(toItems({ snapshot, found }, now))).toEqual(['Painter | starting', 'Upscale | deploying']);
  });

  it('says that a run ended because no window was open', () => {
    const found = [{ ...painter, hasEndedAlone: true }];
    expect(draw(toItems({ snapshot: { state: 'stopped' }, found }, now))).toEqual([
      'Painter | not running · stopped with its window',
    ]);
  });

  it('is empty where nothing can run, so that its text says why', () => {
    const broken = [{ path: '/w/broken.py', file: 'broken.py', line: 2, why: "'(' was never closed" }];
    expect(toItems({ snapshot: { state: 'stopped' }, found: [painter], broken, canRun: false }, now)).toEqual([]);
    expect(draw(toItems({ snapshot: { live: liveWith({}) }, found: [painter], canRun: false }, now))).toHaveLength(1);
  });

  it('starts with a row that tries again after an emulator could not be started', () => {
    const failed = toItems({ snapshot: { state: 'failed' }, found: [painter] }, now);
    expect(draw(failed)).toEqual(['Start Emulator | it could not be started', 'Painter | not running']);
    expect(toItems({ snapshot: { state: 'failed' } }, now)).toEqual([]);
    // It is another version, or doesn't accept the key: a start would find it there again.
    const running = { pid: 1 } as never;
    expect(draw(toItems({ snapshot: { state: 'failed', running }, found: [painter] }, now))).toEqual([
      'Painter | not running',
    ]);
  });

  it('shows the apps of the code, deployed or not, with their endpoints and runners', () => {
    const called = { method: 'POST', path: '/', calls: 12, failures: 0, p50Ms: 14, lastFailure: null };
    const failing = {
      ...called,
      path: '/slow',
      calls: 4,
      p50Ms: 6_100,
      failures: 1,
      lastFailure: { request: 38, message: 'KeyError\nof two lines' },
    };
    const busy = { ...runner, number: 2, id: 'busy', state: 'RUNNING', busy: 1, requests: [39], startedAt: now };
    const idle = { ...runner, until: now + 38_000 };
    const shown = items({
      found: [painter, upscale],
      apps: [appRow({ ...app, counts: { ...counts, queued: 3 }, endpoints: [failing, called] })],
      runners: [idle, busy],
    });
    expect(draw(shown)).toEqual([
      'Painter | 1 of 2 busy · 3 queued',
      '  POST / | 12 calls · 14 ms',
      '  POST /slow | 4 calls · 6.1 s · 1 failed: KeyError',
      '  runner 2 | running 5 s · #39',
      '  runner 1 | idle · stops in 40 s',
      'Upscale | not running',
    ]);
    expect(shown[0]?.children[1]?.about).toMatchObject({ file: '/w/app.py', line: 34, request: 38 });
  });

  it('shows endpoints of the code that nobody called yet', () => {
    expect(draw(items({ found: [painter], apps: [app] }))).toEqual([
      'Painter | no runner',
      '  POST / | no calls',
      '  POST /slow | no calls',
    ]);
  });

  it('matches calls with the endpoints of the code, names websockets by their kind, and leaves out the schema', () => {
    const endpoints = [
      { kind: 'realtime', path: '/live', line: 40 },
      { kind: 'http', path: '/', line: 28 },
    ] as const;
    const call = { method: 'GET', path: '/', calls: 1, failures: 0, p50Ms: 2, lastFailure: null };
    const shown = items({
      found: [{ ...painter, endpoints }],
      apps: [
        appRow({ ...app, endpoints: [call, { ...call, path: '/live', calls: 3 }, { ...call, path: '/openapi.json' }] }),
      ],
    });
    expect(draw(shown[0]?.children ?? [])).toEqual([
      'GET / | 1 call · 2 ms',
      'POST / | no calls',
      'realtime /live | 3 calls · 2 ms',
    ]);
    expect(shown[0]?.children.map(({ about }) => about?.line)).toEqual([28, 28, 40]);
  });

  it('colours every icon of an error or a warning', () => {
    const broken = [{ path: '/w/broken.py', file: 'broken.py', line: 2, why: "'(' was never closed" }];
    const lastFailure = { request: 38, message: 'KeyError' };
    const endpoint = { method: 'POST', path: '/', calls: 1, failures: 1, p50Ms: null, lastFailure };
    const ended = { ...runner, id: 'gone', endedAt: now, why: 'no weights' };
    const apps = [appRow({ ...app, lastFailure: 'no weights', endpoints: [endpoint] })];
    const runners = [ended, { ...runner, state: 'FAILURE_DELAY' }];
    const marked = flat(items({ found: [painter], broken, apps, runners })).filter(({ icon }) =>
      /error|warning/.test(icon),
    );
    expect(marked.map(({ kind, color }) => [kind, color])).toEqual([
      ['endpoint', 'minifal.runner.failed'],
      ['runner', 'minifal.runner.failed'],
      ['ended', 'minifal.runner.failed'],
      ['broken', 'list.warningForeground'],
    ]);
  });

  it('names the entry of pyproject.toml, functions, and files that cannot be parsed', () => {
    const found = [
      { ...painter, label: 'img/Model', entry: 'img-prod' },
      { ...upscale, label: 'add', kind: 'function' as const },
    ];
    const broken = [{ path: '/w/broken.py', file: 'broken.py', line: 2, why: "'(' was never closed" }];
    const rows = items({ found, broken });
    expect(draw(rows)).toEqual([
      'add | function',
      'img/Model | not running · pyproject: img-prod',
      "broken.py | line 3: '(' was never closed",
    ]);
    expect(rows.map(({ about }) => about?.app)).toEqual(['Upscale', 'img-prod', undefined]);
  });

  it('folds apps of other folders, but not when this one has none', () => {
    const other = { ...runner, alias: 'other', id: 'other' };
    const shown = { apps: [app, appRow({ alias: 'other', revision })], runners: [other] };
    const rows = items({ found: [painter], ...shown });
    expect(draw(rows).filter((line) => !line.includes('POST'))).toEqual([
      'Painter | no runner',
      'Elsewhere | 1 app · 1 runner',
      '  other | idle',
      '    runner 1 | idle 5 s',
    ]);
    expect(rows.at(-1)?.isFolded).toBe(true);
    expect(draw(items(shown))).toEqual(['hello | no runner', 'other | idle', '  runner 1 | idle 5 s']);
  });

  it('gives a run the name of its class, and keeps it for five minutes after its end', () => {
    const alias = '99999999-cccc-4c43-9d4e-5b6f0f7f1a11';
    const runs = new Map([[alias, painter]]);
    const setup = { ...runner, alias, state: 'SETUP', lastLine: 'loading the model' };
    const run = appRow({ alias, kind: 'run' });
    expect(draw(items({ found: [painter], runs, apps: [run], runners: [setup] }))).toEqual([
      'Painter (run) | setup 5 s',
      '  POST / | no calls',
      '  POST /slow | no calls',
      '  runner 1 | setup 5 s · loading the model',
    ]);
    const ended = { ...setup, state: 'TERMINATED', endedAt: now - 1_000, lastLine: null, why: 'gone' };
    expect(draw(items({ runs, runners: [ended] }))).toEqual([
      'Painter (run) | ended',
      '  1 ended | last: gone',
      '    runner 1 | ended · gone',
    ]);
    const retry = { ...ended, id: 'retry', number: 2, why: 'The runner belongs to a deleted application.' };
    expect(draw(items({ runs, runners: [ended, retry] }))[1]).toBe('  2 ended | last: gone');
    expect(items({ runs, runners: [ended] }, now + 299_000)).toEqual([]);
    expect(draw(items({ apps: [run] }))).toEqual(['fal run | starting']);
    expect(draw(items({ apps: [{ ...run, appName: 'painter' }] }))).toEqual(['painter (run) | starting']);
    const scaled = (scaling: 'pinned' | 'faithful', runners: readonly RunnerRow[]) =>
      draw(items({ apps: [{ ...run, appName: 'painter', scaling }], runners }))[0];
    const idle = { ...runner, alias };
    expect(scaled('pinned', [])).toBe('painter (run) | starting');
    expect(scaled('pinned', [idle])).toBe('painter (run) | idle · kept warm');
    expect(scaled('faithful', [idle])).toBe('painter (run) | idle · faithful');
    expect(scaled('faithful', [])).toBe('painter (run) | no runner · faithful');
    // A window that was reloaded no longer knows what it ran.
    expect(draw(items({ runners: [{ ...ended, appName: 'painter' }] }))[0]).toBe('painter (run) | ended');
  });

  it('says which row is which while a deployed app also runs', () => {
    const alias = '99999999-cccc-4c43-9d4e-5b6f0f7f1a11';
    const runs = new Map([[alias, painter]]);
    const run = appRow({ alias, kind: 'run', appName: 'hello' });
    const labels = (shown: Parameters<typeof items>[0]) =>
      items(shown)
        .flatMap((row) => (row.kind === 'elsewhere' ? row.children : [row]))
        .map(({ label }) => label);
    const found = [painter, upscale];
    const both = ['Painter (deployed)', 'Painter (run)', 'Upscale'];
    expect(labels({ found, runs, apps: [app, run] })).toEqual(both);
    // A run of another window is known by the name of its app.
    expect(labels({ found, apps: [app, run] })).toEqual(['Painter (deployed)', 'Upscale', 'hello (run)']);
    expect(labels({ apps: [app, run] })).toEqual(['hello (deployed)', 'hello (run)']);
    const ended = { ...runner, alias, appName: 'hello', state: 'TERMINATED', endedAt: now - 1_000 };
    expect(labels({ found, runs, apps: [app], runners: [ended] })).toEqual(both);
    const other = appRow({ alias, kind: 'run', appName: 'other' });
    expect(labels({ found, apps: [app, other] })).toEqual(['Painter', 'Upscale', 'other (run)']);
  });

  it('shows the runner that audits a run below it, and nothing of it elsewhere or after its run', () => {
    const alias = '99999999-cccc-4c43-9d4e-5b6f0f7f1a11';
    const runs = new Map([[alias, painter]]);
    const run = appRow({ alias, kind: 'run', revision });
    const audit = { ...runner, id: 'fresh', alias: `${alias}-audit-0123abcd`, state: 'SETUP' };
    const rows = items({ found: [painter], runs, apps: [run], runners: [{ ...runner, alias }, audit] });
    expect(draw(rows)).toEqual([
      'Painter (run) | idle',
      '  POST / | no calls',
      '  POST /slow | no calls',
      '  runner 1 | idle 5 s',
      '  audit | setup 5 s',
    ]);
    expect(rows[0]?.children.at(-1)).toMatchObject({ kind: 'runner', spoken: 'audit, setup, less than a minute' });
    expect(items({ runs, runners: [audit] })).toEqual([]);
  });

  it('shows a deployed app that was given no name by its alias, which looks like that of a run', () => {
    const alias = '99999999-cccc-4c43-9d4e-5b6f0f7f1a11';
    const [row] = items({ apps: [appRow({ alias })] });
    expect([row?.label, row?.kind, row?.spoken]).toEqual([
      '99999999-cccc-4c4…',
      'app.other',
      'app 99999999-cccc-4c4…, no runner',
    ]);
  });

  it('shows a deleted app by its name while its runners end, and its code as not running', () => {
    const app = appRow({ alias: painter.appName, kind: 'run' });
    const ending = { ...runner, alias: painter.appName, state: 'TERMINATING' };
    const rows = items({ found: [painter], apps: [app], runners: [ending] });
    expect(rows.map(({ label, description, kind }) => [label, description, kind])).toEqual([
      ['Painter', 'stopping', 'run.other'],
      ['Painter', 'not running', 'code'],
    ]);
  });

  it('says why requests wait, shortly, and why a start failed', () => {
    const failures: Reason = { ...reason, code: 'start_failures', numbers: { failures: 2 }, until: now + 31_000 };
    const waiting = (one: Reason) =>
      items({ apps: [appRow({ ...app, counts: { ...counts, queued: 1 }, reason: one })] })[0]?.description;
    expect(waiting(reason)).toBe('no runner · 1 queued · no runner yet');
    // Its runner says that.
    expect(waiting({ ...failures, evidence: 'no weights' })).toBe('no runner · 1 queued');
    expect(waiting({ ...reason, code: 'max_concurrency_zero' })).toBe('no runner · 1 queued · max_concurrency is 0');
    const delayed = {
      ...runner,
      state: 'FAILURE_DELAY',
      until: now + 31_000,
      why: 'RuntimeError: no weights\n  line 3',
    };
    const [row] = items({ apps: [{ ...app, lastFailure: 'RuntimeError: no weights' }], runners: [delayed] });
    expect(row?.description).toBe('start failed');
    const [without] = items({ apps: [{ ...app, lastFailure: 'The last start failed: RuntimeError: no weights\nx' }] });
    expect(without?.description).toBe('start failed: RuntimeError: no weights');
    expect(row?.children[0]?.description).toBe('failed, retry in 40 s · RuntimeError: no weights');
  });

  it('keeps what a killed emulator last said, with a row that starts the next one', () => {
    const last = liveWith({ apps: [app], runners: [runner] });
    const rows = toItems({ snapshot: { state: 'failed', last }, found: [painter, upscale] }, now);
    expect(draw(rows).filter((line) => !line.includes('POST'))).toEqual([
      'Start Emulator | below: its last state',
      'Painter | not running',
      '  runner 1 | not running',
      'Upscale | not running',
    ]);
    expect(rows.map(({ isGone }) => isGone)).toEqual([undefined, true, undefined]);
    expect(ticks(rows)).toBe(false);
    const next = toItems({ snapshot: { state: 'starting', last }, found: [painter, upscale] }, now);
    expect(next).toEqual(rows.slice(1));
  });

  it('has the names, ids and full texts in tooltips', () => {
    const why = 'ValueError: no\n  weights';
    const failing = { ...runner, state: 'FAILURE_DELAY', why, requests: [38] };
    const [row] = items({ found: [painter], apps: [{ ...app, lastFailure: why }], runners: [failing] });
    expect(row?.facts).toEqual([
      { name: '', text: 'local/hello' },
      { name: 'Code', text: 'app.py:17' },
      { name: 'URL', text: app.url, url: app.url },
      { name: 'Callers', text: 'the owner, with a key' },
      { name: 'Revision', text: revision },
      { name: 'Last start failed', text: why },
    ]);
    expect(row?.children.at(-1)?.facts).toEqual([
      { name: 'Runner', text: runner.id },
      { name: 'State', text: expect.stringMatching(/^FAILURE_DELAY: .*CRASH_BACKOFF/) },
      { name: 'Since', text: expect.stringMatching(/^\d\d:\d\d:\d\d$/) },
      { name: 'Reason', text: why },
      { name: 'Requests', text: '#38' },
      { name: 'Machine', text: 'XS' },
      { name: 'Revision', text: revision },
    ]);
  });

  it('keeps ids over time, and the screen reader’s text for a minute', () => {
    const [before, after] = [now, now + 20_000].map((at) => flat(items({ apps: [app], runners: [runner] }, at)));
    expect(after?.map(({ id, spoken }) => [id, spoken])).toEqual(before?.map(({ id, spoken }) => [id, spoken]));
    expect(after).not.toEqual(before);
  });
});

it('holds the meaning of each row in what a side bar of 300 pixels shows', () => {
  const alias = 'a-very-long-name-of-an-app';
  const long = appRow({ alias, revision, counts: { ...counts, queued: 12 } });
  const states = ['PENDING', 'DOCKER_PULL', 'SETUP', 'IDLE', 'RUNNING', 'DRAINING', 'TERMINATING', 'FAILURE_DELAY'];
  const runners = states.flatMap((state, at) => [
    { ...runner, id: state, number: at + 100, alias, state, until: now + 90_000, busy: 12, lastLine: 'x'.repeat(90) },
  ]);
  const shown = {
    apps: [long, app],
    runners: [...runners, { ...runner, id: 'gone', endedAt: now, why: 'y'.repeat(90) }],
  };
  const seen = seenOf(items({ ...shown, found: [painter, { ...upscale, appName: alias }] }));
  expect(seen.length).toBeGreaterThan(12);
  expect(unclear(seen.map(({ text }) => text))).toEqual([]);
  expect(unclear(['a1b2c3d4-0000-4000-8000-abcdefabcdef waits', 'work / no calls'])).toHaveLength(2);
});
