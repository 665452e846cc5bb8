import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { stateWords } from '../../emulator/scheduler/types.ts';
import { headLine } from '../../extension/call/answer-text.ts';
import { answerLenses, requestLenses } from '../../extension/call/call-lenses.ts';
import { checkedNames, invalidValueMessage } from '../../extension/checked-settings.ts';
import { lensesOf } from '../../extension/lens/lenses.ts';
import { settingHover } from '../../extension/lens/setting-text.ts';
import { endpointText, stateText } from '../../extension/lens/state-text.ts';
import { diagnose } from '../../extension/process/diagnose.ts';
import { appsOf, filesOf } from '../../extension/target/app-code.ts';
import { settingNames } from '../../extension/target/app-settings.ts';
import type { Reason } from '../../extension/target/live.ts';
import { readPythonFile } from '../../extension/target/python-reader.ts';
import { appRow, liveWith, runnerRow } from '../../extension/target/testing/live.ts';
import { toItems } from '../../extension/views/items.ts';
import { shortReason } from '../../extension/views/reason-words.ts';
import type { Row } from '../../extension/views/row.ts';
import { stateLook } from '../../extension/views/states.ts';
import { statusText } from '../../extension/views/status-text.ts';
import { flat } from '../../extension/views/testing/draw.ts';
import { useWords } from '../../extension/words.ts';
import { pseudo } from '../../scripts/words.ts';
import { root } from '../support/root.ts';
import { english } from './english.ts';

const bundle: { readonly [text: string]: string } = JSON.parse(
  readFileSync(join(root, 'l10n', 'bundle.l10n.json'), 'utf8'),
);
beforeAll(() => useWords(Object.fromEntries(Object.keys(bundle).map((text) => [text, pseudo(text)]))));
afterAll(() => useWords(undefined));

const now = 1_000_000_000;
const reasons: readonly Reason['code'][] = [
  'retry_delay',
  'runner_pending',
  'image_pull',
  'runner_setup',
  'start_failures',
  'supervisor_losses',
  'max_concurrency_zero',
  'no_runner',
  'slots_busy',
  'no_room',
  'no_gpu_slot',
  'behind_for_gpu_slot',
];
const reason = (code: Reason['code'], until: number | null): Reason => ({
  ...{ code, numbers: {}, since: now, until, evidence: null, action: null, also: null },
});
const source = `import fal
class Painter(fal.App):
    keep_alive = 60
    @fal.endpoint("/")
    def fast(self): ...
`;
const apps = appsOf(filesOf(new Map([['/w/app.py', readPythonFile(source)]]))).get('/w/app.py') ?? [];
const facts = { alias: 'a', isDeployed: true, queued: 2, ready: 0, busy: 0, lastFailure: null, waitsBecause: null };
const states = Object.values(stateWords);
const running = { pid: 1, processStart: '1', version: '1', startedAt: 0, ports: { api: 1, run: 2, queue: 3, ws: 4 } };

function textsOf(rows: readonly Row[]): readonly string[] {
  return flat(rows).flatMap(({ label, description, spoken, facts }) => [
    label,
    description,
    spoken,
    ...facts.flatMap(({ name, text, url }) => (url === undefined ? [name, text] : [name])),
  ]);
}

/** Texts of the pure modules, in every state. */
const places: readonly (readonly [string, () => readonly (string | undefined)[]])[] = [
  [
    'rows of the view Apps',
    () =>
      states.flatMap((state) => {
        const runners = [runnerRow({ id: 'r', state, since: now - 5_000 })];
        const broken = [{ path: '/w/b.py', file: 'b.py', line: 3, why: '7' }];
        const live = liveWith({ apps: [appRow({ alias: 'hello' })], runners });
        const shown = toItems({ snapshot: { live }, broken }, now);
        return textsOf([...shown, ...toItems({ snapshot: { last: live, state: 'failed' } }, now)]);
      }),
  ],
  ['the meaning of a state', () => states.map((state) => stateLook(state).meaning)],
  [
    'reasons',
    () =>
      reasons.flatMap((code) =>
        [null, now + 5_000].map((until) => shortReason(reason(code, until), { now, timeScale: 1 })),
      ),
  ],
  [
    'the status bar',
    () =>
      (['stopped', 'starting', 'failed', 'running'] as const).flatMap((state) => {
        const live = state === 'running' ? { live: liveWith({ apps: [appRow()], runners: [runnerRow()] }) } : {};
        const shown = statusText({ state, running, ...live }, true, '/data');
        return shown ? [shown.text, shown.spoken, shown.tooltip] : [];
      }),
  ],
  [
    'lenses of apps and endpoints',
    () => [
      ...lensesOf('/w/app.py', apps, {
        changed: () => ({ run: true, deployed: true }),
        state: () => '',
        endpoint: () => '',
      }).map(({ title }) => title),
      stateText([], String),
      ...[
        undefined,
        facts,
        { ...facts, starting: 'setup' as const },
        { ...facts, ready: 1 },
        { ...facts, ready: 3 },
        { ...facts, ready: 3, busy: 1 },
        { ...facts, backingOff: { why: '7', until: 9 } },
        { ...facts, lastFailure: '7' },
      ].map((one) => stateText([{ name: 'a', facts: one }], () => '9')),
      endpointText({ kind: 'http', path: undefined }, []),
      ...[0, 1, 4].map((calls) =>
        endpointText({ kind: 'http', path: '/' }, [
          { name: '', figures: { calls, failures: calls, p50Ms: 4, lastFailure: '7' } },
        ]),
      ),
    ],
  ],
  [
    'hovers over settings',
    () =>
      settingNames.flatMap((name) => {
        const setting = { name, line: 1, text: '1', value: 1 };
        const deployed = { value: null, source: 'kept' as const, revision: '7', default: 10, isKept: true };
        const settings = Object.fromEntries(settingNames.map((one) => [one, deployed])) as never;
        return [[], [{ alias: 'a', revision: 'r', settings }]].flatMap((at) => {
          const hover = settingHover(setting as never, 'function', at);
          return [hover?.values, hover?.meaning];
        });
      }),
  ],
  [
    'lenses of calls',
    () => [
      ...[true, false]
        .flatMap((isRunning) => [
          ...requestLenses('d', { alias: 'a', path: '/' }, { isRunning, isFile: false, isReading: !isRunning }),
          ...requestLenses('d', { alias: 'a', path: '/' }, { isRunning, isFile: false, isReading: false }),
          ...[
            '',
            'a.png',
            'a.wav',
            'a.mp4',
            'a.bin',
            'a.png b.png',
            'a.wav b.wav',
            'a.mp4 b.mp4',
            'a.bin b.png',
          ].flatMap((names) => {
            const media = names.split(' ').flatMap((name) => (name === '' ? [] : [{ name }]));
            return answerLenses('d', { head: '', isRunning, requestId: 'r', media });
          }),
        ])
        .map(({ title }) => title),
      ...[null, 2].map((runner) => headLine({ status: 200, ms: 4, coldMs: 3, runner, number: 1 })),
    ],
  ],
  ['warnings about settings', () => checkedNames.map((name) => invalidValueMessage(name, Symbol('invalid')))],
  [
    'problems that are recognised',
    () =>
      [
        '(DISK_FULL)',
        '(DISK_READ_ONLY)',
        '(DATA_FOLDER_NOEXEC)',
        '(UV_UNUSABLE)',
        '(PYTHON_UNAVAILABLE)',
        '(PYTHON_UNAVAILABLE 3.12)',
        'ERR_UNKNOWN_BUILTIN_MODULE',
      ].map((output) => diagnose(output)?.message ?? 'nothing is recognised'),
  ],
];

it.each(places)('%s: no English word in the test language', (_, make) => {
  const texts = make().filter((text) => text !== undefined && text !== '');
  expect(texts.length).toBeGreaterThan(1);
  expect(texts.filter((text) => english(text ?? '').length > 0)).toEqual([]);
});
