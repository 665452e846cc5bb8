import type { Snapshot } from '../target/snapshot.ts';
import { plainMarkdown } from './markdown.ts';

export interface StatusText {
  readonly text: string;
  /** Markdown with icons. */
  readonly tooltip: string;
  readonly spoken: string;
  /** Set only if the user must act. */
  readonly isError: boolean;
}

/** The text of the status bar; `undefined`: no item, because the window has neither apps nor an emulator. Pure. */
export function statusText({ state, live, running, why }: Snapshot, hasApps: boolean): StatusText | undefined {
  if (state === 'stopped') {
    if (!hasApps) return undefined;
    return item('$(circle-outline) fal: stopped', 'The local emulator is stopped.', 'fal: local emulator stopped');
  }
  if (state === 'starting') {
    return item('$(loading~spin) fal: local', 'The local emulator is starting.', 'fal: local emulator starting');
  }
  if (state === 'failed') {
    const sentence = why ?? 'The local emulator ended unexpectedly.';
    return { ...item('$(error) fal: failed', plainMarkdown(sentence), `fal: ${sentence}`), isError: true };
  }
  const trouble = live?.head.trouble;
  if (trouble) {
    return { ...item('$(warning) fal: local', plainMarkdown(trouble), `fal: ${trouble}`), isError: true };
  }
  const count = [...(live?.runners.values() ?? [])].filter(({ endedAt }) => endedAt === null).length;
  const runners = `${count} ${count === 1 ? 'runner' : 'runners'}`;
  const deployed = [...(live?.apps.values() ?? [])].filter(({ kind }) => kind === 'deployed').length;
  const apps = `${deployed} ${deployed === 1 ? 'app' : 'apps'}`;
  const lines = [
    `The local emulator is running (minifal ${running?.version}).`,
    `${apps}, ${runners}`,
    `run: https://localhost:${running?.ports.run} · queue: https://localhost:${running?.ports.queue}`,
    ...(live?.head.secrets === 'sealed'
      ? ['Secrets are sealed. To open them, stop the emulator and start it from here.']
      : []),
  ];
  const timeScale = live?.head.timeScale ?? 1;
  if (timeScale !== 1) lines.push(`Time x${timeScale}: the platform's delays pass ${timeScale} times as fast.`);
  return item(
    `$(server-process) fal: local${count > 0 ? ` $(play)${count}` : ''}${timeScale === 1 ? '' : ` x${timeScale}`}`,
    lines.join('\n\n'),
    `fal: local emulator running, ${runners}`,
  );
}

function item(text: string, tooltip: string, spoken: string): StatusText {
  return { text, tooltip, spoken, isError: false };
}
