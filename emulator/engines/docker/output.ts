import { StringDecoder } from 'node:string_decoder';

export type Stream = 'stdout' | 'stderr';

/** Characters; a longer line is reported in pieces. */
const maxLine = 64 * 1024;
const headerBytes = 8;

/**
 * Takes apart what a container's streams carry without a terminal: frames with a header of 8 bytes (the stream, three
 * zeros, the length), of which a chunk has any part.
 */
export function frameReader(take: (stream: Stream, bytes: Buffer) => void) {
  const header = Buffer.alloc(headerBytes);
  let headerRead = 0;
  let remaining = 0;
  return {
    write(chunk: Buffer): void {
      let at = 0;
      while (at < chunk.length) {
        if (remaining === 0) {
          const taken = chunk.copy(header, headerRead, at, at + headerBytes - headerRead);
          headerRead += taken;
          at += taken;
          if (headerRead < headerBytes) return;
          headerRead = 0;
          remaining = header.readUInt32BE(4);
        }
        const part = chunk.subarray(at, at + remaining);
        if (part.length > 0) take(header[0] === 2 ? 'stderr' : 'stdout', part);
        remaining -= part.length;
        at += part.length;
      }
    },
  };
}

/** Lines out of what a container's streams carry. A line may arrive in several frames. */
export function createOutput(line: (stream: Stream, text: string) => void) {
  const lines = { stdout: lineReader('stdout', line), stderr: lineReader('stderr', line) };
  const frames = frameReader((stream, bytes) => lines[stream].write(bytes));
  return {
    write: frames.write,
    /** Reports lines without an end. */
    end(): void {
      lines.stdout.end();
      lines.stderr.end();
    },
  };
}

function lineReader(stream: Stream, line: (stream: Stream, text: string) => void) {
  const decoder = new StringDecoder('utf8');
  let rest = '';

  function report(text: string): void {
    // A progress bar writes over itself: its last state counts.
    const shown = text.endsWith('\r') ? text.slice(0, -1) : text;
    const last = shown.slice(shown.lastIndexOf('\r') + 1);
    let at = 0;
    do {
      line(stream, last.slice(at, at + maxLine));
      at += maxLine;
    } while (at < last.length);
  }
  function take(text: string): void {
    const parts = (rest + text).split('\n');
    rest = parts.pop() ?? '';
    for (const part of parts) report(part);
    while (rest.length > maxLine) {
      report(rest.slice(0, maxLine));
      rest = rest.slice(maxLine);
    }
  }

  return {
    write: (bytes: Buffer): void => take(decoder.write(bytes)),
    end(): void {
      take(decoder.end());
      if (rest !== '') report(rest);
      rest = '';
    },
  };
}
