import { join } from 'node:path';
import type * as vscode from 'vscode';
import * as z from 'zod';
import { followFile } from './process/follow-file.ts';
import { outputFile } from './process/start.ts';

const record = z.looseObject({
  level: z.string(),
  msg: z.string(),
  room: z.string().optional(),
  stack: z.string().optional(),
});

/** How much of the existing log is shown when a window joins a running emulator. */
const tailBytes = 16 * 1024;

/** Copies the emulator's log and the output of its process into the channel. Neither contains logs of apps. */
export function followEmulatorLog(folder: string, log: vscode.LogOutputChannel): { close(): void } {
  const own = followFile(join(folder, 'emulator.log'), tailBytes, (line) => write(line, log));
  const output = followFile(outputFile(folder), tailBytes, (line) => log.info(`[emulator] ${line}`));
  return {
    close() {
      own.close();
      output.close();
    },
  };
}

function write(line: string, log: vscode.LogOutputChannel): void {
  const parsed = record.safeParse(tryJson(line));
  if (!parsed.success) {
    log.info(`[emulator] ${line}`);
    return;
  }
  const { level, msg, room, stack, at: _at, ...fields } = parsed.data;
  const more = Object.entries(fields).map(([name, value]) => `${name}=${String(value)}`);
  const text = [`[${room ?? 'emulator'}] ${msg}`, ...more].join(' ');
  if (level === 'error') log.error(text);
  else log.info(text);
  if (stack) log.debug(stack);
}

function tryJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
