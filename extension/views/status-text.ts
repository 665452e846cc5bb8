import type { Snapshot } from '../target/snapshot.ts';
import { t } from '../words.ts';
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
    return item(
      `$(circle-outline) ${t('fal: stopped')}`,
      t('The local emulator is stopped.'),
      t('fal: local emulator stopped'),
    );
  }
  if (state === 'starting') {
    return item(
      `$(loading~spin) ${t('fal: local')}`,
      t('The local emulator is starting.'),
      t('fal: local emulator starting'),
    );
  }
  if (state === 'failed') {
    const sentence = why ?? t('The local emulator ended unexpectedly.');
    return { ...item(`$(error) ${t('fal: failed')}`, plainMarkdown(sentence), `fal: ${sentence}`), isError: true };
  }
  const trouble = live?.head.trouble;
  if (trouble) {
    return { ...item(`$(warning) ${t('fal: local')}`, plainMarkdown(trouble), `fal: ${trouble}`), isError: true };
  }
  const count = [...(live?.runners.values() ?? [])].filter(({ endedAt }) => endedAt === null).length;
  const runners = count === 1 ? t('1 runner') : t('{0} runners', count);
  const deployed = [...(live?.apps.values() ?? [])].filter(({ kind }) => kind === 'deployed').length;
  const apps = deployed === 1 ? t('1 app') : t('{0} apps', deployed);
  const lines = [
    t('The local emulator is running (minifal {0}).', running?.version ?? ''),
    `${apps}, ${runners}`,
    `run: https://localhost:${running?.ports.run} · queue: https://localhost:${running?.ports.queue}`,
    ...(live?.head.secrets === 'sealed'
      ? [t('Secrets are sealed. To open them, stop the emulator and start it from here.')]
      : []),
  ];
  const timeScale = live?.head.timeScale ?? 1;
  if (timeScale !== 1) lines.push(t("Time x{0}: the platform's delays pass {0} times as fast.", timeScale));
  const figures = `${count > 0 ? ` $(play)${count}` : ''}${timeScale === 1 ? '' : ` x${timeScale}`}`;
  return item(
    `$(server-process) ${t('fal: local')}${figures}`,
    lines.join('\n\n'),
    t('fal: local emulator running, {0}', runners),
  );
}

function item(text: string, tooltip: string, spoken: string): StatusText {
  return { text, tooltip, spoken, isError: false };
}
