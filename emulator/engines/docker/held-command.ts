import { type ContainerEngine, compareVersions } from '../../local/docker/connect.ts';

/** From this version of the API on, a terminal has its size before the command begins. */
const sizedSince = '1.42';
/** What a terminal shows of the line that ends the wait. */
const echo = Buffer.from('\r\n');
/** Bytes that are kept of what comes instead of it. */
const maxHeld = 4_000;

/** The line that a held command waits for. */
export const goOn = '\n';

/** Earlier engines give a terminal its size when the command may have asked for it already. */
export function sizesLate({ apiVersion }: Pick<ContainerEngine, 'apiVersion'>): boolean {
  return compareVersions(apiVersion, sizedSince) < 0;
}

/** The command, which begins when a line has arrived. It keeps its process. */
export function held(command: readonly string[]): readonly string[] {
  return ['/bin/sh', '-c', 'IFS= read -r _; exec "$@"', 'sh', ...command];
}

/** Takes the echo of the line out of what the terminal shows. @param onBegin called when the command begins */
export function withoutEcho(show: (bytes: Buffer) => void, onBegin: () => void) {
  let first: Buffer | null = Buffer.alloc(0);

  function pass(bytes: Buffer): void {
    first = null;
    onBegin();
    if (bytes.length > 0) show(bytes);
  }

  return {
    write(bytes: Buffer): void {
      if (first === null) {
        show(bytes);
        return;
      }
      first = Buffer.concat([first, bytes]);
      if (first.subarray(0, echo.length).equals(echo)) pass(first.subarray(echo.length));
      else if (first.length > maxHeld) pass(first);
    },
    /** What came instead: the engine's words. */
    rest: (): Buffer => first ?? Buffer.alloc(0),
  };
}
