import { inferLevel } from './level.ts';
import type { LogLine, Logs } from './types.ts';

/** A line as a runner wrote it, and whose it is. */
interface Written {
  readonly at: number;
  readonly stream: 'stdout' | 'stderr';
  readonly text: string;
  readonly requestId?: string;
  readonly endpoint?: string;
}

/** Turns what runners write into log lines (runner-process.md §6). */
export function createLineRecorder(logs: Pick<Logs, 'append'>) {
  return (
    { runnerId, alias, revision }: { readonly runnerId: string; readonly alias: string; readonly revision: string },
    { at, stream, text, requestId, endpoint }: Written,
  ): void => {
    const line: Omit<LogLine, 'seq'> = {
      at,
      level: inferLevel(text, stream),
      source: 'USER',
      stream,
      message: text,
      alias,
      revision,
      runnerId,
      requestId: requestId ?? null,
      endpoint: endpoint ?? null,
    };
    logs.append(line);
  };
}
