const maxLength = 500;
/** Exceptions with which an app server and its other tasks end after a failure; they are never the cause. */
const shutdownErrors = /^(SystemExit|[\w.]*CancelledError)\b/;
/** Python draws a line before a group of exceptions, and one before each of them. */
const groupMargin = /^ +\| /;
const inGroup = /^ +[|+]/;
const secondOfGroup = /^ +\+-+ 2 -+/;

/**
 * Reads the output of a starting runner, line by line, to find the exception of its last traceback: app servers catch
 * what setup() raises, print it and end with a bare exit code. Of a group it is the first one, whose place the runner
 * reports (`runner/inside/exceptions.py`).
 */
export function createExceptionReader() {
  let isInside = false;
  let isPastFirst = false;
  let last: string | null = null;
  return {
    read(line: string): void {
      isPastFirst = inGroup.test(line) && (isPastFirst || secondOfGroup.test(line));
      if (isPastFirst) isInside = false;
      else if (line.endsWith('Traceback (most recent call last):')) isInside = true;
      else if (isInside) {
        const text = line.replace(groupMargin, '');
        // Frames are indented; the first line that isn't indented names the exception.
        if (!/^\S/.test(text)) return;
        isInside = false;
        if (/^[A-Za-z_][\w.]*(: |$)/.test(text) && !shutdownErrors.test(text)) last = text.slice(0, maxLength);
      }
    },
    /** `null`: there was no traceback. */
    last: (): string | null => last,
  };
}
