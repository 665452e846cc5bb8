import type { LogLine } from '../../../telemetry/types.ts';
import type { GatewayDeps } from '../context.ts';

export interface TestLogs {
  readonly deps: GatewayDeps['logs'];
  add(requestId: string, message: string, level?: LogLine['level']): void;
  /** The number of current followers. */
  followers(): number;
}

export function testLogs(clock: () => number): TestLogs {
  const lines: LogLine[] = [];
  const followers = new Set<(line: LogLine) => void>();
  return {
    add(requestId, message, level = 'STDOUT') {
      const where = { alias: 'app', revision: null, runnerId: 'runner-1', requestId, endpoint: '/' };
      const line: LogLine = {
        ...where,
        seq: lines.length + 1,
        at: clock(),
        level,
        source: 'USER',
        stream: 'stdout',
        message,
      };
      lines.push(line);
      for (const follower of followers) follower(line);
    },
    followers: () => followers.size,
    deps: {
      query: ({ requestId }) => lines.filter((line) => line.requestId === requestId).toReversed(),
      follow({ requestId }, listener) {
        const follower = (line: LogLine): void => {
          if (line.requestId === requestId) listener(line);
        };
        followers.add(follower);
        return () => void followers.delete(follower);
      },
    },
  };
}
