import { readFileSync } from 'node:fs';
import type { FailedCommand, Place } from '../problem.ts';
import { failureIn } from '../process/failure.ts';
import { openedPath } from '../workspace/linked-folders.ts';

/** A command of `fal` that failed, and where it ran. */
interface FailedIn extends Pick<FailedCommand, 'command' | 'key' | 'file'> {
  readonly cwd: string;
  /** Of the window: places are in them, also if they are reached through links. */
  readonly folders: readonly string[];
}

/** What its output says: the sentence of the failure, its line of code, and with both the problem of that line. */
export function failedCommand({ cwd, folders, ...of }: FailedIn, output: string) {
  const { reason, place: raised } = failureIn(output, { cwd, file: of.file, read });
  const place: Place | undefined = raised && { ...raised, file: openedPath(raised.file, folders) };
  const failed: FailedCommand | undefined =
    reason !== undefined && place ? { ...of, at: Date.now(), reason, place } : undefined;
  return { reason, place, failed };
}

function read(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}
