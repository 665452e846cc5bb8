/** A stream that is silent for longer is broken: the emulator sends a comment every 15 s. */
export const silenceMs = 45_000;
const maxEventChars = 16 * 1024 * 1024;

export interface ServerEvent {
  readonly type: string;
  readonly data: string;
  readonly id: string | undefined;
}

/** Reads server-sent events from text that arrives in pieces. Comments are left out. */
export function createEventReader() {
  /** Of an event that isn't complete. Only what is new is searched: a large event arrives in many pieces. */
  let rest = '';
  let endsLine = false;
  return {
    /** @throws if an event is too long */
    read(chunk: string): readonly ServerEvent[] {
      if (chunk === '') return [];
      const isSplit = endsLine && chunk.startsWith('\n');
      const [first = '', ...more] = (isSplit ? `\n${chunk}` : chunk).split('\n\n');
      const complete: string[] = [];
      rest += first;
      for (const next of more) {
        complete.push(rest);
        rest = next;
      }
      endsLine = rest !== '' && chunk.endsWith('\n');
      if (rest.length > maxEventChars) throw new Error('an event is too long');
      return complete.flatMap((event) => parse(event) ?? []);
    },
  };
}

function parse(event: string): ServerEvent | undefined {
  let [type, data, id] = ['message', undefined as string | undefined, undefined as string | undefined];
  for (const line of event.split('\n')) {
    if (line.startsWith('event: ')) type = line.slice('event: '.length);
    else if (line.startsWith('id: ')) id = line.slice('id: '.length);
    else if (line.startsWith('data: ')) data = line.slice('data: '.length);
  }
  return data === undefined ? undefined : { type, data, id };
}
