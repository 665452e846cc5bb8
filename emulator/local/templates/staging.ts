import { lstatSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';

/** Between two files, Ctrl+C would end the process. With a listener, a signal isn't noticed by what never waits. */
export function toTheEnd(work: () => void): void {
  const listener = () => undefined;
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  for (const signal of signals) process.on(signal, listener);
  try {
    work();
  } finally {
    for (const signal of signals) process.off(signal, listener);
  }
}

/** Calls `write` with a temporary folder in `parent`, and removes those that a killed process has left there. */
export function staged(parent: string, write: (folder: string) => void): void {
  removeRemains(parent);
  // The process is in the name, so that others know whether it is still at work.
  const folder = mkdtempSync(join(parent, `.minifal-new-${process.pid}-`));
  try {
    write(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function removeRemains(parent: string): void {
  for (const name of namesIn(parent)) {
    const [, pid] = /^\.minifal-new-(\d+)-\w{6}$/.exec(name) ?? [];
    if (pid === undefined || isRunning(Number(pid))) continue;
    const folder = join(parent, name);
    // Only what such a folder can contain, and never what a link leads to.
    const isOurs =
      lstatSync(folder, { throwIfNoEntry: false })?.isDirectory() &&
      readdirSync(folder).every((entry) => entry === 'project' || entry === 'pyproject.toml');
    if (isOurs) rmSync(folder, { recursive: true, force: true });
  }
}

/** None if it may not be listed: then new folders may still be made there. */
function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH';
  }
}
