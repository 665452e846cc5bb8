import type { RunnerSpec } from '../engine.ts';
import { probedTarget } from './health.ts';

/** Maximum number of probes whose line may still arrive. */
const maxLength = 16;

/**
 * Recognises the lines in an app's access log about our own health checks, which are of no interest: one line for each
 * check that was sent, with the port it came from if the line names one.
 */
export function createProbeLines(health: Pick<RunnerSpec['health'], 'path' | 'method'>) {
  const method = health.path === null ? 'GET' : health.method;
  const request = `"${method} ${probedTarget(health.path)} `;
  const ports = new Set<number>();
  return {
    /** A check was sent from this port of ours. */
    sent(port: number): void {
      ports.add(port);
      for (const oldest of ports) if (ports.size > maxLength) ports.delete(oldest);
    },
    isOurs(line: string): boolean {
      const at = line.indexOf(request);
      if (at < 0) return false;
      const [, named] = /(?:^|[^\w.])(?:127\.0\.0\.1|\[?::1\]?):(\d+)\b/.exec(line.slice(0, at)) ?? [];
      const [oldest] = ports;
      const port = named === undefined ? oldest : Number(named);
      return port !== undefined && ports.delete(port);
    },
  };
}
