import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

/** Of a shell that finds no such program. */
const notFound = 127;

/**
 * How many bytes all that is below takes on the disk; 0: nothing is there. By a program, because apps make trees of
 * millions of files, and so deep that no path leads to their end (Linux allows 4096 bytes): it goes down step by step,
 * and takes nothing of our loop. What can't be looked into counts for nothing.
 *
 * @param signal ends the program; what is counted then is nothing
 * @throws where there is no such program, or it was killed
 */
export async function bytesOnDisk(folder: string, signal?: AbortSignal): Promise<number> {
  const command = ['-c', 'exec du -sk "$1" 2>/dev/null', 'sh', folder];
  try {
    return bytesOf((await promisify(execFile)('sh', command, signal ? { signal } : {})).stdout);
  } catch (error) {
    if (signal?.aborted) return 0;
    if (!(error instanceof Error && 'code' in error && typeof error.code === 'number' && error.code !== notFound))
      throw error;
    // It says what it counted, also where it met something that it may not look into.
    return 'stdout' in error ? bytesOf(error.stdout) : 0;
  }
}

function bytesOf(said: unknown): number {
  return Number.parseInt(/^\d+(?=\s)/.exec(String(said))?.[0] ?? '0', 10) * 1024;
}
