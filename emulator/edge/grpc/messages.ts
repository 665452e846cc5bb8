import type { BuildLog } from '../../builds/types.ts';
import type { LogLine } from '../../telemetry/types.ts';
import type { Hosts } from '../../wire/hosts.ts';
import { timestampFromMs } from '../../wire/struct.ts';

/** `Log` of common.proto. */
export interface LogMessage {
  readonly message: string;
  readonly source: LogLine['source'];
  readonly level: LogLine['level'];
  readonly timestamp: { readonly seconds: number; readonly nanos: number };
}

export function logMessage(line: Pick<LogLine, 'message' | 'source' | 'level' | 'at'>): LogMessage {
  return {
    message: wellFormed(line.message),
    source: line.source,
    level: line.level,
    timestamp: timestampFromMs(line.at),
  };
}

/** A lone surrogate has no UTF-8 encoding and would fail the whole message: it becomes U+FFFD. */
export function wellFormed(text: string): string {
  return Buffer.from(text).toString();
}

export function builderLog(line: BuildLog): LogMessage {
  return logMessage({ ...line, source: 'BUILDER' });
}

/**
 * The five URLs of an app, without trailing slash. `fal deploy` turns the playground's path `/models/OWNER/APP` into
 * links to the dashboard (docs/platform/control-plane.md#commands); edge/rest answers those.
 */
export function serviceUrls(hosts: Hosts, owner: string, name: string) {
  const app = `${owner}/${name}`;
  return {
    playground: `https://${hosts.api}/models/${app}`,
    run: `https://${hosts.run}/${app}`,
    queue: `https://${hosts.queue}/${app}`,
    ws: `wss://${hosts.ws}/${app}`,
    log: `https://${hosts.api}/dashboard/apps/${app}/logs`,
  };
}

/** Pickled `None`, protocol 4: what a run without a value must send (docs/platform/control-plane.md#run). */
export const pickledNone = { method: 'pickle', definition: Buffer.from([0x80, 0x04, 0x4e, 0x2e]) };
