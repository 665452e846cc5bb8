import { commandUri } from '../contributes/commands.ts';
import type { LiveState, RequestRow } from '../target/live.ts';
import type { Snapshot } from '../target/snapshot.ts';
import { t } from '../words.ts';
import { type NameOf, namesIn } from './app-names.ts';
import { stateWords } from './app-words.ts';
import { errorName } from './error-name.ts';
import { linkArguments, plainMarkdown } from './markdown.ts';
import { appRowId } from './row.ts';

export interface StatusText {
  readonly text: string;
  /** Markdown with icons. */
  readonly tooltip: string;
  readonly spoken: string;
  /** Set only if the user must act. */
  readonly isError: boolean;
  /** The last request failed: a click opens it. */
  readonly failed?: RequestRow;
}

/** Apps in the tooltip. */
const appsShown = 5;

/** The text of the status bar; `undefined`: no item, because the window has neither apps nor an emulator. Pure. */
export function statusText(
  { state, live, last, running, why }: Snapshot,
  hasApps: boolean,
  folder: string,
  appNames?: () => NameOf,
): StatusText | undefined {
  if (state === 'stopped') {
    if (!hasApps) return undefined;
    return item(
      `$(circle-outline) ${t('fal: stopped')}`,
      why === undefined ? t('The local emulator is stopped.') : plainMarkdown(why),
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
    const words = last ? t('fal: ended') : t('fal: failed');
    return { ...item(`$(error) ${words}`, plainMarkdown(sentence), `fal: ${sentence}`), isError: true };
  }
  const trouble = live?.head.trouble;
  if (trouble) {
    return { ...item(`$(warning) ${t('fal: local')}`, plainMarkdown(trouble), `fal: ${trouble}`), isError: true };
  }
  const living = [...(live?.runners.values() ?? [])].filter(({ endedAt }) => endedAt === null);
  const count = living.length;
  const runners = count === 1 ? t('1 runner') : t('{0} runners', count);
  const waiting = live?.head.requests.waiting ?? 0;
  const apps = [...(live?.apps.values() ?? [])];
  const deployed = apps.filter(({ kind }) => kind === 'deployed').length;
  const timeScale = live?.head.timeScale ?? 1;
  const lines = [
    t('The local emulator is running (minifal {0}).', running?.version ?? ''),
    `${deployed === 1 ? t('1 app') : t('{0} apps', deployed)}, ${runners}`,
    ...(live ? appLines(live, appNames?.() ?? namesIn(live.apps, [])) : []),
    `run: https://localhost:${running?.ports.run} · queue: https://localhost:${running?.ports.queue}`,
    ...(live?.head.gpus ?? []).map(({ index, name, runners: on }) =>
      on.length === 1
        ? t('GPU {0}: {1}, 1 runner', index, plainMarkdown(name))
        : t('GPU {0}: {1}, {2} runners', index, plainMarkdown(name), on.length),
    ),
    t('Data folder: {0}', plainMarkdown(folder)),
    ...(live?.head.secrets === 'sealed'
      ? [t('Secrets are sealed. To open them, stop the emulator and start it from here.')]
      : []),
    ...(timeScale === 1 ? [] : [t("Time x{0}: the platform's delays pass {0} times as fast.", timeScale)]),
    `[${t('Stop Emulator')}](${commandUri('stopEmulator')})`,
  ];
  const figures = [
    ...(count > 0 ? [`$(play)${count}`] : []),
    ...(waiting > 0 ? [`$(clock)${waiting}`] : []),
    ...(timeScale === 1 ? [] : [`x${timeScale}`]),
  ];
  const failed = live && lastFailure(live);
  const isStarting = count > 0 && living.every(({ state: one }) => beforeReady.has(one));
  const now = failed ? [`$(error) ${nameOf(failed)}`] : isStarting ? [`$(loading~spin) ${t('setup')}`] : [];
  const spoken = t('fal: local emulator running, {0}', runners);
  return {
    ...item(
      [`$(server-process) ${t('fal: local')}`, ...now, ...figures].join(' '),
      lines.join('\n\n'),
      failed ? `${spoken}, ${t('request {0} failed: {1}', failed.number, nameOf(failed))}` : spoken,
    ),
    ...(failed ? { failed } : {}),
  };
}

const beforeReady: ReadonlySet<string> = new Set(['PENDING', 'DOCKER_PULL', 'SETUP']);

/** Those with most to do first, each with a link to its row. */
function appLines({ apps, runners }: LiveState, nameOf: NameOf): readonly string[] {
  const sorted = [...apps.values()].sort((a, b) => load(b.counts) - load(a.counts));
  const lines = sorted.slice(0, appsShown).map((app) => {
    const own = [...runners.values()].filter(({ alias, endedAt }) => alias === app.alias && endedAt === null);
    const argument = linkArguments({ rowId: appRowId(app.alias), alias: app.alias });
    const queued = app.counts.queued === 0 ? [] : [t('{0} queued', app.counts.queued)];
    const name = plainMarkdown(nameOf(app.alias));
    const words = [plainMarkdown(stateWords(app, own, undefined)), ...queued].join(' · ');
    return `[${name}](${commandUri('openRow')}?${argument}): ${words}`;
  });
  const more = sorted.length - lines.length;
  if (more === 0) return lines;
  return [...lines, more === 1 ? t('1 more app') : t('{0} more apps', more)];
}

function load({ queued, running, ready, starting }: { readonly [name: string]: number }): number {
  return (queued ?? 0) + (running ?? 0) + (ready ?? 0) + (starting ?? 0);
}

/**
 * The request that finished last, if the platform or its app failed. The next one that succeeds clears it, and so does
 * a reload of its run: other code would answer now.
 */
function lastFailure({ requests, apps }: LiveState): RequestRow | undefined {
  let latest: RequestRow | undefined;
  for (const request of requests.values()) {
    if (request.completedAt !== null && request.completedAt >= (latest?.completedAt ?? 0)) latest = request;
  }
  // 499: its caller left, or a person cancelled it.
  const hasFailed = latest && latest.status !== 499 && (latest.error !== null || (latest.status ?? 200) >= 500);
  if (!latest || !hasFailed) return undefined;
  const reload = apps.get(latest.alias)?.reload;
  const isOfOlderCode = reload && changesCode.has(reload.outcome) && reload.at > (latest.completedAt ?? 0);
  return isOfOlderCode ? undefined : latest;
}

const changesCode: ReadonlySet<string> = new Set(['swapped', 'restarted', 'registered']);

function nameOf({ error, status }: RequestRow): string {
  const name = error ? errorName(error.type) : t('status {0}', status ?? '');
  // `$(x)` would be an icon.
  return name.replace(/[^\w .-]/g, '').slice(0, 30);
}

function item(text: string, tooltip: string, spoken: string): StatusText {
  return { text, tooltip, spoken, isError: false };
}
