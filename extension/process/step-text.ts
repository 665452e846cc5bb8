import { lastLine } from './diagnose.ts';

/** A notification shows about this many characters in its line. */
const maxShown = 80;

/**
 * What a tool does now, by its latest output, for a notification: without the time and the level of fal's log.
 * `undefined`: the output doesn't say. Pure.
 */
export function stepText(output: string): string | undefined {
  const step = lastLine(output)?.replace(/^\d{4}-\d\d-\d\d [\d:.]+ \[\w+\s*\]\s*/, '');
  // uv begins with the path of the environment, which says nothing about the progress.
  if (step === undefined || /^Using Python\b/.test(step)) return undefined;
  return step.length <= maxShown ? step : `${step.slice(0, maxShown - 1)}…`;
}
