const maxLength = 500;
/** Exceptions with which an app server and its other tasks end after a failure; they are never the cause. */
const shutdownErrors = /^(SystemExit|[\w.]*CancelledError)\b/;

/**
 * Reads the output of a starting runner, line by line, to find the exception of its last traceback: app servers catch
 * what setup() raises, print it and end with a bare exit code.
 */
export function createExceptionReader() {
  let isInside = false;
  let last: string | null = null;
  return {
    read(line: string): void {
      if (line.endsWith('Traceback (most recent call last):')) isInside = true;
      // Frames are indented; the first line that isn't indented names the exception.
      else if (isInside && /^\S/.test(line)) {
        isInside = false;
        if (/^[A-Za-z_][\w.]*(: |$)/.test(line) && !shutdownErrors.test(line)) last = line.slice(0, maxLength);
      }
    },
    /** `null`: there was no traceback. */
    last: (): string | null => last,
  };
}
