import { printableLines } from '../target/printable.ts';
import type { Imports, RunnerStart, Stage } from '../target/starts.ts';
import { t } from '../words.ts';
import { duration } from './row.ts';

const barWidth = 32;
/** Stages that imported for a shorter time have no list of modules. */
const shownMs = 20;

/** How long each stage of a runner's start took, as the text of a read-only document. Pure. */
export function startText(start: RunnerStart): string {
  const { number, alias, totalMs, stages, previous, advice } = start;
  const begun = stages[0]?.at ?? 0;
  const end = Math.max(begun + 1, ...stages.filter(isOfStart).map((stage) => stage.at + (stage.ms ?? 0)));
  const total = totalMs === null ? t('It is not ready.') : t('Ready after {0}.', duration(totalMs));
  const than = previous
    ? t('The start before it, runner {0}, took {1}.', previous.number, duration(previous.totalMs))
    : '';
  return [
    `# ${t('Start of runner {0} of {1}', number, alias)}`,
    '',
    [total, than].filter(Boolean).join(' '),
    '',
    ...table([
      [t('Stage'), t('Time'), t('Before'), ''],
      ...stages.map((stage) => [
        stageWords()[stage.name],
        stage.ms === null ? '…' : duration(stage.ms),
        stage.previousMs === null ? '' : duration(stage.previousMs),
        isOfStart(stage) ? bar(stage, begun, end) : '',
      ]),
    ]),
    ...stages.flatMap(({ name, imports }) =>
      imports && imports.ms >= shownMs ? importLines(stageWords()[name], imports) : [],
    ),
    ...(advice.length === 0 ? [] : ['', `## ${t('Advice')}`, '']),
    ...advice.map(
      ({ text, savesMs }) =>
        `- ${printableLines(text)}${savesMs === null ? '' : ` ${t('This took {0}.', duration(savesMs))}`}`,
    ),
    '',
  ].join('\n');
}

/** The first call comes later, and isn't a part of the time until the runner was ready. */
function isOfStart({ name }: Stage): boolean {
  return name !== 'firstCall';
}

const stageWords = (): { readonly [N in Stage['name']]: string } => ({
  slot: t('Waiting for a slot'),
  environment: t('Environment'),
  process: t('Process'),
  imports: t('Imports of the app'),
  server: t('Server of the app'),
  setup: 'setup()',
  ready: t('Until ready'),
  firstCall: t('First call'),
});

function bar({ at, ms }: Stage, begun: number, end: number): string {
  const place = (instant: number) => Math.round(((instant - begun) / (end - begun)) * barWidth);
  const from = Math.min(place(at), barWidth - 1);
  const width = ms === null ? barWidth - from : Math.max(1, place(at + ms) - from);
  return `${' '.repeat(from)}${(ms === null ? '░' : '█').repeat(width)}`;
}

function importLines(stage: string, { ms, count, modules }: Imports): readonly string[] {
  return [
    '',
    `## ${t('{0}: {1} modules in {2}', stage, count, duration(ms))}`,
    ...(modules.length === 0 ? [] : ['']),
    ...table(
      modules.map((module) => [
        printableLines(module.name),
        duration(module.ms),
        module.count === 1 ? t('1 module') : t('{0} modules', module.count),
      ]),
    ),
  ];
}

/** In a block of code, because the columns need the editor's fixed width. */
function table(rows: readonly (readonly string[])[]): readonly string[] {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows.map((row) => `    ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ')}`.trimEnd());
}

/** The same for Chrome's and other viewers of traces: a JSON document. `names`: of the stages. Pure. */
export function startTrace({ number, alias, stages, totalMs }: RunnerStart): string {
  const common = { ph: 'X', pid: 1, tid: 1, cat: 'start' };
  const whole =
    totalMs === null ? [] : [{ ...common, name: 'start', ts: micro(stages[0]?.at ?? 0), dur: micro(totalMs) }];
  const events = stages.flatMap(({ name, at, ms, imports }) => {
    if (ms === null) return [];
    const args = imports ? { imports } : {};
    return [{ ...common, name, ts: micro(at), dur: micro(ms), args }];
  });
  const named = [
    { ph: 'M', pid: 1, name: 'process_name', args: { name: alias } },
    { ph: 'M', pid: 1, tid: 1, name: 'thread_name', args: { name: `runner ${number}` } },
  ];
  return `${JSON.stringify({ traceEvents: [...named, ...whole, ...events] }, null, 2)}\n`;
}

function micro(ms: number): number {
  return Math.round(ms * 1000);
}
