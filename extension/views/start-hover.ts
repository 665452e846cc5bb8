import { type CommandName, commandTitle, commandUri } from '../contributes/commands.ts';
import type { RunnerStart } from '../target/starts.ts';
import { t } from '../words.ts';
import { linkArguments, plainMarkdown } from './markdown.ts';
import { duration } from './row.ts';
import { runnerRowId } from './runner-rows.ts';
import { adviceTexts, barsOf, columns, stageWords, totalText } from './start-words.ts';

/** So wide that a line has room in the editor's hover. */
const barWidth = 24;

/**
 * How a runner's start went, as Markdown for the tooltip of its row: the total, a bar for each stage, and advice.
 * Empty: nothing is known of it. Pure.
 */
export function startHover(start: RunnerStart): string {
  const { stages } = start;
  if (stages.length === 0) return '';
  const bars = barsOf(stages, barWidth);
  const rows = stages.map(({ name, ms }, at) => [stageWords()[name], ms === null ? '…' : duration(ms), bars[at] ?? '']);
  const advice = adviceTexts(start).map((text) => `- ${plainMarkdown(text)}`);
  return [
    `**${t('Start')}:** ${plainMarkdown(totalText(start))}`,
    ['```text', ...columns(rows, [1]), '```'].join('\n'),
    ...(advice.length === 0 ? [] : [advice.join('\n')]),
    [commandLink('showStart', start), commandLink('exportStart', start)].join(' | '),
  ].join('\n\n');
}

/** With what the row of the runner passes to its commands. */
function commandLink(name: CommandName, { id }: RunnerStart): string {
  const element = linkArguments({ rowId: runnerRowId(id), runner: id });
  return `[${commandTitle(name)}](${commandUri(name)}?${element})`;
}
