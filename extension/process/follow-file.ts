import { closeSync, type FSWatcher, fstatSync, openSync, readSync, statSync, watch } from 'node:fs';

const chunkBytes = 64 * 1024;

/**
 * Gives the lines of a file as they are written, beginning with those in its last `tailBytes`. After a rotation (the
 * file was moved away and a new one was created), continues with the new file. Doesn't wait for a file that doesn't
 * exist.
 */
export function followFile(file: string, tailBytes: number, onLine: (line: string) => void): { close(): void } {
  let watcher: FSWatcher | undefined;
  let offset = Math.max(0, sizeOf(file) - tailBytes);
  /** The tail may begin in the middle of a line. */
  let skipping = offset > 0;
  let rest = '';
  let closed = false;

  function read(): void {
    let fd: number;
    try {
      fd = openSync(file, 'r');
    } catch {
      return; // being moved
    }
    try {
      if (fstatSync(fd).size < offset) offset = 0;
      const buffer = Buffer.alloc(chunkBytes);
      for (let bytes = readSync(fd, buffer, 0, chunkBytes, offset); bytes > 0; ) {
        offset += bytes;
        take(buffer.toString('utf8', 0, bytes));
        bytes = readSync(fd, buffer, 0, chunkBytes, offset);
      }
    } finally {
      closeSync(fd);
    }
  }

  function take(text: string): void {
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) {
      if (!skipping && line !== '') onLine(line);
      skipping = false;
    }
  }

  function arm(): void {
    if (closed) return;
    try {
      watcher = watch(file, { persistent: false }, (event) => {
        read();
        if (event !== 'rename') return;
        watcher?.close();
        offset = 0;
        arm();
        read();
      });
      watcher.on('error', () => watcher?.close());
    } catch {
      // gone
    }
  }

  arm();
  read();
  return {
    close() {
      closed = true;
      watcher?.close();
    },
  };
}

function sizeOf(file: string): number {
  return statSync(file, { throwIfNoEntry: false })?.size ?? 0;
}
