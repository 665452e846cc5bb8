import type { IncomingMessage } from 'node:http';
import { StringDecoder } from 'node:string_decoder';
import type { z } from 'zod';

/** Longest line that is read; a longer one ends the stream. */
const maxLine = 32 * 1024 ** 2;

/** Values that the engine sends one after the other, such as the progress of a build. Unknown ones are left out. */
export async function* jsonLines<T>(stream: IncomingMessage, schema: z.ZodType<T>): AsyncGenerator<T> {
  const decoder = new StringDecoder('utf8');
  let rest = '';
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    const lines = (rest + decoder.write(chunk)).split('\n');
    rest = lines.pop() ?? '';
    if (rest.length > maxLine) throw new Error('The container engine sent a line that is too long.');
    yield* lines.flatMap((line) => read(line, schema));
  }
  yield* read(rest, schema);
}

function read<T>(line: string, schema: z.ZodType<T>): readonly T[] {
  if (line.trim() === '') return [];
  try {
    const parsed = schema.safeParse(JSON.parse(line));
    return parsed.success ? [parsed.data] : [];
  } catch {
    return [];
  }
}
