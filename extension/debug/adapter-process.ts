import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { childEnv } from '../process/child-env.ts';
import { lastLine } from '../process/diagnose.ts';
import type { DebugTools } from '../target/debug.ts';
import { watchFile } from '../target/watch-file.ts';
import { t } from '../words.ts';

/** debugpy's adapter for one runner. It ends with the session, and when this process does. */
export interface AdapterProcess {
  readonly port: number;
  /** What a runner must know to be taken. */
  readonly token: string;
  readonly process: ChildProcess;
  end(): void;
}

const portFile = 'port';

/**
 * Starts an adapter; resolves when it listens for its runner. The token is in its environment alone.
 * @throws an error with a sentence, the signal's reason
 */
export function startAdapter(tools: DebugTools, signal: AbortSignal): Promise<AdapterProcess> {
  signal.throwIfAborted();
  const token = randomBytes(32).toString('hex');
  // Private to the user.
  const folder = mkdtempSync(join(tmpdir(), 'minifal-debug-'));
  const path = join(folder, portFile);
  const child = spawn(tools.python, [tools.script], {
    env: {
      ...childEnv(process.env),
      ...tools.env,
      MINIFAL_DEBUG_TOKEN: token,
      MINIFAL_DEBUG_PORT_FILE: path,
    },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  child.stdin.on('error', () => {}); // it ended; reported below
  let errors = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    errors = (errors + text).slice(-4_000);
  });
  const end = (): void => void child.kill();

  return new Promise((resolve, reject) => {
    const watcher = watchFile(folder, portFile, look);
    function settle(): void {
      watcher.close();
      signal.removeEventListener('abort', abort);
      rmSync(folder, { recursive: true, force: true });
    }
    function fail(error: unknown): void {
      settle();
      end();
      reject(error);
    }
    function ended(): void {
      const why = lastLine(errors) ?? t('it ended');
      fail(new Error(t('The debug adapter could not be started: {0}', why)));
    }
    function abort(): void {
      fail(signal.reason);
    }
    function look(): void {
      const port = readPort(path);
      if (port === undefined) return;
      child.off('exit', ended);
      settle();
      resolve({ port, token, process: child, end });
    }
    child.once('error', fail);
    child.once('exit', ended);
    signal.addEventListener('abort', abort, { once: true });
    look();
  });
}

/** `undefined`: it isn't written yet. */
function readPort(path: string): number | undefined {
  try {
    const [, port] = /(\d+)\s*\]?\s*$/.exec(readFileSync(path, 'utf8')) ?? [];
    return port === undefined ? undefined : Number(port);
  } catch {
    return undefined;
  }
}
