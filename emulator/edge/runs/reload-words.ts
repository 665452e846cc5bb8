import type { ReloadAnswer, ReloadOutcome, ReloadRequest } from '../../wire/reload.ts';

interface Facts {
  readonly outcome: ReloadOutcome;
  readonly ms: number;
  readonly reason: ReloadAnswer['reason'];
  /** Names of state that was kept although requests may have made it. */
  readonly kept: readonly string[];
  readonly order: ReloadRequest;
  /** A runner with the old code serves. */
  readonly serving: boolean;
}

const maxNames = 4;

/** What a reload did, in one sentence or two for the terminal, the log and the editor. Pure. */
export function describeReload({ outcome, ms, reason, kept, order, serving }: Facts): string {
  switch (outcome) {
    case 'swapped': {
      const paths = [...new Set(order.changed.map(({ path }) => path))];
      const why = reason ? full(reason.text).slice(0, -1) : 'the code changed';
      const changed = paths.length === 0 ? why : `${list(paths)} changed`;
      return `Swapped in ${duration(ms)}: ${changed}; model kept${kept.length === 0 ? '' : `; kept: ${list(kept)}`}.`;
    }
    case 'restarted':
      return `Restarted in ${duration(ms)}${reason ? `: ${full(reason.text)}` : '.'}${remedyOf(reason)}`;
    case 'registered':
      return order.verdict === 'registration'
        ? 'The settings were applied; the app was not restarted.'
        : 'No runner was up: the next one starts with the saved code.';
    case 'unchanged':
      return 'Nothing to reload: the app does the same as before.';
    case 'kept': {
      const { file = null, line = null, message = '', type = '' } = order.error ?? {};
      const where = file === null ? '' : `${file.split(/[/\\]/).at(-1)}${line === null ? '' : `:${line}`}: `;
      return `Not reloaded: ${where}${full(message || type)} The old code keeps serving.`;
    }
    case 'failed': {
      const after = serving ? 'The old code keeps serving.' : 'No runner serves until the next save starts.';
      return `Not reloaded: ${full(reason?.text ?? 'the new code failed to start')} ${after}`;
    }
  }
}

function remedyOf(reason: Facts['reason']): string {
  return reason?.remedy ? ` ${full(reason.remedy)}` : '';
}

function list(names: readonly string[]): string {
  const more = names.length - maxNames;
  const shown = names.slice(0, more > 0 ? maxNames : undefined).join(', ');
  return more > 0 ? `${shown} and ${more} more` : shown;
}

function duration(ms: number): string {
  return ms < 1000 ? `${ms} ms` : `${(ms / 1000).toFixed(1)} s`;
}

/** One line, with a full stop. */
function full(sentence: string): string {
  const line = sentence.replace(/\s+/g, ' ').trim();
  return /[.!?…]$/.test(line) ? line : `${line}.`;
}
