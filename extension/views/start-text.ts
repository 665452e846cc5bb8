import { aliasName } from '../target/alias-name.ts';
import { printableLines } from '../target/printable.ts';
import type { Imports, RunnerStart } from '../target/starts.ts';
import { t } from '../words.ts';
import { duration } from './row.ts';
import { adviceTexts, barsOf, columns, stageWords, totalText } from './start-words.ts';

const barWidth = 32;
/** Stages that imported for a shorter time have no list of modules. */
const shownMs = 20;

/** How long each stage of a runner's start took, as the text of a read-only document. Pure. */
export function startText(start: RunnerStart): string {
  const { stages } = start;
  const bars = barsOf(stages, barWidth);
  const advice = adviceTexts(start);
  // Without it, the bars fit into half a window.
  const hasBefore = stages.some(({ previousMs }) => previousMs !== null);
  return [
    `# ${t('Start of runner {0} of {1}', start.number, nameOf(start))}`,
    '',
    totalText(start),
    '',
    ...table(hasBefore ? [1, 2] : [1], [
      [t('Stage'), t('Time'), ...(hasBefore ? [t('Before')] : []), ''],
      ...stages.map(({ name, ms, previousMs }, at) => [
        stageWords()[name],
        ms === null ? '…' : duration(ms),
        ...(hasBefore ? [previousMs === null ? '' : duration(previousMs)] : []),
        bars[at] ?? '',
      ]),
    ]),
    ...stages.flatMap(({ name, imports }) =>
      imports && imports.ms >= shownMs ? importLines(stageWords()[name], imports) : [],
    ),
    ...(advice.length === 0 ? [] : ['', `## ${t('Advice')}`, '']),
    ...advice.map((text) => `- ${text}`),
    '',
  ].join('\n');
}

/** The app of a start, for people. */
export function nameOf({ alias, appName }: Pick<RunnerStart, 'alias' | 'appName'>): string {
  return aliasName(alias, appName);
}

function importLines(stage: string, { ms, count, modules }: Imports): readonly string[] {
  return [
    '',
    `## ${t('{0}: {1} modules in {2}', stage, count, duration(ms))}`,
    ...(modules.length === 0 ? [] : ['']),
    ...table(
      [1],
      modules.map((module) => [
        printableLines(module.name),
        duration(module.ms),
        module.count === 1 ? t('1 module') : t('{0} modules', module.count),
      ]),
    ),
  ];
}

/** In a block of code, because the columns need the editor's fixed width. */
function table(figures: readonly number[], rows: readonly (readonly string[])[]): readonly string[] {
  return columns(rows, figures).map((line) => `    ${line}`);
}

/** The same for Chrome's and other viewers of traces: a JSON document. Pure. */
export function startTrace(start: RunnerStart): string {
  const { number, stages, totalMs } = start;
  const common = { ph: 'X', pid: 1, tid: 1, cat: 'start' };
  const whole =
    totalMs === null ? [] : [{ ...common, name: 'start', ts: micro(stages[0]?.at ?? 0), dur: micro(totalMs) }];
  const events = stages.flatMap(({ name, at, ms, imports }) => {
    if (ms === null) return [];
    const args = imports ? { imports } : {};
    return [{ ...common, name, ts: micro(at), dur: micro(ms), args }];
  });
  const named = [
    { ph: 'M', pid: 1, name: 'process_name', args: { name: nameOf(start) } },
    { ph: 'M', pid: 1, tid: 1, name: 'thread_name', args: { name: `runner ${number}` } },
  ];
  return `${JSON.stringify({ traceEvents: [...named, ...whole, ...events] }, null, 2)}\n`;
}

function micro(ms: number): number {
  return Math.round(ms * 1000);
}
