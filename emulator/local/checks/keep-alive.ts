import { textOf } from '../python-code/tree.ts';
import { type AppCode, type CheckedCode, settingOf } from './app-code.ts';
import type { CheckFacts } from './facts.ts';
import type { Finding, Fix } from './finding.ts';

/** A `keep_alive` that is shorter than the start that it saves. */
export function keepAliveFindings({ source }: CheckedCode, app: AppCode, facts: CheckFacts): readonly Finding[] {
  const setting = settingOf(app, 'keep_alive');
  const seconds = facts.setupSeconds?.(app.name);
  const value = setting?.literal;
  const minimum = settingOf(app, 'min_concurrency');
  if (!setting || seconds === undefined || typeof value !== 'number' || value >= seconds) return [];
  // One that is computed may keep a runner.
  if (minimum && minimum.literal !== 0) return [];
  // Somebody wants runners to end at once, as after a training.
  if (value === 0) return [];
  const enough = Math.ceil(seconds / 60) * 60;
  const { from, to } = setting.value;
  const fixes: readonly Fix[] = /^\d+$/.test(textOf(source, setting.value))
    ? [{ title: `Set keep_alive to ${enough}`, edits: [{ from, to, text: String(enough) }] }]
    : [];
  return [
    {
      code: 'keep-alive-short',
      message:
        `A runner ends after ${value} s without requests, but setup() took ${Math.round(seconds)} s the last time: ` +
        'requests that come less often wait for it each time.',
      from,
      to,
      fixes,
    },
  ];
}
