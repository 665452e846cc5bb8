import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { makeFolder, processStart } from '../../target/data-folder.ts';
import { runFal } from './fal-process.ts';
import { endFile, type HelperOrder, helperOrder, socketFolderPrefix, socketsFolder } from './messages.ts';
import { serveRun } from './serve-run.ts';

/**
 * A program of its own (`dist/extension-run-helper.cjs`, with an order on its standard input): runs a `fal` command, so
 * that a window that reloads can join the run again. It answers on a Unix socket in a folder that only this user can
 * enter; the socket's path is the line that it prints.
 */
async function main(): Promise<void> {
  const order = helperOrder.parse(JSON.parse(await text(process.stdin)));
  // Not next to its record, whose path may be too long.
  const own = mkdtempSync(join(socketsFolder(), socketFolderPrefix));
  const record = join(order.folder, `${process.pid}.json`);
  process.once('exit', () => {
    rmSync(record, { force: true });
    rmSync(own, { recursive: true, force: true });
  });
  const { server, over, abandon } = serveRun({
    start: (onText) => runFal({ ...order, onText }),
    graceMs: order.graceMs,
    onAlone: () => noteEnd(endFile(order.folder, process.pid), order),
  });
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, abandon);
  const socket = join(own, 'socket');
  server.listen(socket, () => {
    publish(record, order, socket);
    process.stdout.on('error', () => {}); // the window has gone
    process.stdout.write(`${socket}\n`);
  });
  await over;
  process.exit(0);
}

/** Best effort: without the file, nothing says why the run has ended. */
function noteEnd(file: string, { about }: HelperOrder): void {
  try {
    writeFileSync(file, JSON.stringify({ at: Date.now(), about }), { mode: 0o600 });
  } catch {
    // no space, no permission
  }
}

/** Best effort: without the file, the run ends after a reload. */
function publish(file: string, { folder, about }: HelperOrder, socket: string): void {
  const { pid } = process;
  try {
    makeFolder(folder, 0o700);
    const record = JSON.stringify({ pid, processStart: processStart(pid), socket, about });
    writeFileSync(`${file}.new`, record, { mode: 0o600 });
    renameSync(`${file}.new`, file);
  } catch {
    // no space, no permission
  }
}

void main();
