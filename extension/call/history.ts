import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';
import { t } from '../words.ts';
import { isObject, type JsonObject } from './json.ts';

const callSchema = z.object({
  /** Milliseconds since the epoch. */
  at: z.number(),
  /** See `CallAddress`. */
  address: z.string(),
  method: z.string(),
  mode: z.enum(['direct', 'queue']),
  input: z.custom<JsonObject>(isObject),
  /** Which document showed the answer. */
  answer: z.string(),
  /** The URI of the request's document; `null`: it was sent again from its answer. */
  document: z.string().nullable().default(null),
  status: z.number().nullable(),
  /** The first line of the answer. */
  head: z.string(),
  requestId: z.string().nullable(),
  /** Without what is too long to keep. */
  body: z.object({ text: z.string(), language: z.enum(['json', 'plaintext']) }),
});
export type PastCall = z.infer<typeof callSchema>;

const limits = { calls: 200, bytes: 20 * 1024 * 1024, inputCharacters: 256 * 1024, bodyCharacters: 64 * 1024 };

/**
 * The last calls of a workspace, one file each, so that they survive a reload of the window. Only inputs and answers
 * are kept, never headers or keys; the oldest are removed when there are too many, or too many bytes.
 */
export function createHistory(folder: string) {
  /** Of calls that haven't ended, by call. */
  const files = new Map<string, string>();
  let written = 0;
  let work: Promise<void> = Promise.resolve();

  async function add(call: PastCall): Promise<void> {
    if (JSON.stringify(call.input).length > limits.inputCharacters) return;
    const { text } = call.body;
    const isShort = text.length <= limits.bodyCharacters;
    const body: PastCall['body'] = isShort ? call.body : { text: shortened(text), language: 'plaintext' };
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const name = `${String(call.at).padStart(15, '0')}-${process.pid}-${++written}.json`;
    const draft = join(folder, `${name}.new`);
    await writeFile(draft, JSON.stringify({ ...call, body }), { mode: 0o600 });
    await rename(draft, join(folder, name));
    const key = keyOf(call);
    const earlier = files.get(key);
    if (earlier !== undefined) await rm(join(folder, earlier), { force: true });
    if (isUnfinished(call)) files.set(key, name);
    else files.delete(key);
    await prune();
  }

  async function names(): Promise<string[]> {
    const all = await readdir(folder).catch(() => []);
    return all
      .filter((name) => /^\d{15}-[\w-]+\.json$/.test(name))
      .sort()
      .reverse();
  }

  async function prune(): Promise<void> {
    let [calls, bytes] = [0, 0];
    for (const name of await names()) {
      const path = join(folder, name);
      bytes += (await stat(path).catch(() => undefined))?.size ?? 0;
      if (++calls > limits.calls || bytes > limits.bytes) await rm(path, { force: true });
    }
  }

  return {
    /** One at a time. @throws errors of the disk */
    add(call: PastCall): Promise<void> {
      const added = work.then(() => add(call));
      work = added.catch(() => undefined);
      return added;
    },
    /** The latest first. A file that isn't ours or is damaged is left out. */
    async list(): Promise<readonly PastCall[]> {
      const calls: PastCall[] = [];
      for (const name of (await names()).slice(0, limits.calls)) {
        const parsed = callSchema.safeParse(await read(join(folder, name)));
        if (!parsed.success) continue;
        // A call is stored when it is sent, and again when it has ended.
        const key = keyOf(parsed.data);
        const at = calls.findIndex((one) => keyOf(one) === key);
        const other = calls[at];
        if (!other) calls.push(parsed.data);
        else if (isUnfinished(other)) calls[at] = parsed.data;
      }
      return calls;
    },
  };
}

export type History = ReturnType<typeof createHistory>;

/** The first line of a call until it has ended. */
export const unfinished = { direct: 'sent', queue: 'sent to the queue' } as const;

export function isUnfinished({ head, mode }: Pick<PastCall, 'head' | 'mode'>): boolean {
  return head === unfinished[mode];
}

/** An answer's document shows one call at a time. */
function keyOf({ answer, at }: PastCall): string {
  return `${at} ${answer}`;
}

async function read(path: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(path, 'utf8'));
  } catch {
    return undefined;
  }
}

function shortened(text: string): string {
  return `${text.slice(0, limits.bodyCharacters)}\n… ${t('the rest was not kept')}\n`;
}
