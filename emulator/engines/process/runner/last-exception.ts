const longest = 500;
/** How an app server and its other tasks end once something has failed: never the cause. */
const aftermath = /^(SystemExit|[\w.]*CancelledError)\b/;

/**
 * Reads what a starting runner writes, line by line, for the exception that its last traceback ended with: app servers
 * catch what setup() raises, print it and end with a bare exit code.
 */
export function createExceptionReader() {
  let isInside = false;
  let last: string | null = null;
  return {
    read(line: string): void {
      if (line.endsWith('Traceback (most recent call last):')) isInside = true;
      // Frames are indented; the first line that isn't names the exception.
      else if (isInside && /^\S/.test(line)) {
        isInside = false;
        if (/^[A-Za-z_][\w.]*(: |$)/.test(line) && !aftermath.test(line)) last = line.slice(0, longest);
      }
    },
    /** `null`: there was no traceback. */
    last: (): string | null => last,
  };
}
