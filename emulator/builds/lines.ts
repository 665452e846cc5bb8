import { StringDecoder } from 'node:string_decoder';

/**
 * Characters. A longer line is dropped: a piece of it could end within a secret, and a build script can print anything.
 */
const maxLine = 1024 * 1024;
const tooLong = '[a line of more than a million characters was omitted]';

/**
 * Takes apart what a build prints; `take` gets each line that isn't empty, without the white space at its end. Not
 * Node's readline, which keeps an endless line until no string can hold it.
 */
export function createLineReader(take: (line: string) => void) {
  const decoder = new StringDecoder('utf8');
  let rest = '';
  let isTooLong = false;
  function end(line: string): void {
    const text = isTooLong || line.length > maxLine ? tooLong : line.trimEnd();
    if (text !== '') take(text);
    isTooLong = false;
  }
  function read(text: string): void {
    const lines = (rest + text).split(/\r\n|\n|\r/);
    rest = lines.pop() ?? '';
    for (const line of lines) end(line);
    isTooLong ||= rest.length > maxLine;
    if (isTooLong) rest = '';
  }
  return {
    write: (bytes: Buffer): void => read(decoder.write(bytes)),
    /** Takes what has no end of line. */
    end(): void {
      read(decoder.end());
      end(rest);
      rest = '';
    },
  };
}
