import type { Detail, Place, Row } from '../../webview/host.ts';
import { appFrame, type LogRow } from '../target/log-client.ts';
import { plainLines } from './plain-text.ts';

/** The platform's line about a change of a runner's state: `Runner SETUP -> IDLE: The runner is ready.` */
const transition = /^Runner (?:[A-Z_]+ -> )?([A-Z_]+): ([\s\S]*)$/;
/**
 * The SDK prints an exception as JSON that has nothing else, too; the row with its frames has the same in readable
 * form. A long one may be cut. A program's own JSON has further fields.
 */
const printedException = /^\{"traceback": "[^"\\]*(?:\\.[^"\\]*)*("\}|\\?$)/;

/**
 * A row of the emulator's log as the page draws it; `undefined`: the pane doesn't show it. `all`: with the platform's
 * own lines. Pure.
 */
export function paneRow(row: LogRow, all: boolean): Row | undefined {
  const { seq, at, alias, runnerId, requestId, message, source, exception } = row;
  const base = { seq, at, alias, runnerId, requestId };
  if (exception) {
    const frame = appFrame(exception);
    const [first = '', ...rest] = plainLines(message);
    const frames = exception.frames.map(
      (one): Detail => ({
        text: `in ${plainLines(one.function)[0] ?? ''}`,
        place: place(one),
        isApp: one.isApp,
      }),
    );
    const more = rest.map((text): Detail => ({ text, place: null, isApp: false }));
    // The user's frame is on the row itself; the innermost comes first below it.
    const details = [...more, ...frames.toReversed()];
    return { ...base, kind: 'error', text: first, phase: phaseOf(row), place: frame && place(frame), details };
  }
  if (source === 'BRIDGE') {
    // The emulator's sentence as it is, in every language: the filter and an export have the same text.
    const [, state, why = ''] = transition.exec(message) ?? [];
    if (state !== undefined && !all && !shownStates.has(state)) return undefined;
    const text = plainLines(state === undefined ? message : why)[0] ?? '';
    return { ...base, kind: 'mark', text, phase: '', place: null, details: [] };
  }
  if (!all && printedException.test(message)) return undefined;
  const [text = '', ...rest] = plainLines(message);
  return {
    ...base,
    kind: row.isServer ? 'platform' : row.level === 'ERROR' ? 'error' : row.level === 'WARNING' ? 'warning' : 'line',
    text,
    phase: phaseOf(row),
    place: row.place && place(row.place),
    details: rest.map((line) => ({ text: line, place: null, isApp: false })),
  };
}

/** States of a runner that are marked; the others come between them, or are obvious from the requests. */
const shownStates = new Set(['IDLE', 'FAILURE_DELAY', 'TERMINATED']);

function phaseOf({ source, exception }: LogRow): Row['phase'] {
  if (source === 'BUILDER' || exception?.phase === 'build') return 'build';
  return exception?.phase === 'setup' || exception?.phase === 'import' ? 'setup' : '';
}

function place({ file, line }: { readonly file: string; readonly line: number }): Place {
  const [shown = ''] = plainLines(file);
  return { file, line, label: `${shown.slice(shown.lastIndexOf('/') + 1)}:${line}` };
}
