import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

/** The exit code of a shell that doesn't find the program. */
const notFound = 127;

/**
 * How many bytes a folder and its contents take on the disk; 0: the folder doesn't exist. A program counts them,
 * because apps create trees of millions of files, and trees deeper than any path (Linux allows 4096 bytes). The program
 * descends step by step, and doesn't block our event loop. Unreadable folders count as nothing.
 *
 * @param signal ends the program; the result is then 0
 * @throws if there is no such program, or it was killed
 */
export async function bytesOnDisk(folder: string, signal?: AbortSignal): Promise<number> {
  const command = ['-c', 'exec du -sk "$1" 2>/dev/null', 'sh', folder];
  try {
    return bytesOf((await promisify(execFile)('sh', command, signal ? { signal } : {})).stdout);
  } catch (error) {
    if (signal?.aborted) return 0;
    if (!(error instanceof Error && 'code' in error && typeof error.code === 'number' && error.code !== notFound))
      throw error;
    // The program prints its count even if it met a folder that it can't read.
    return 'stdout' in error ? bytesOf(error.stdout) : 0;
  }
}

function bytesOf(output: unknown): number {
  return Number.parseInt(/^\d+(?=\s)/.exec(String(output))?.[0] ?? '0', 10) * 1024;
}
