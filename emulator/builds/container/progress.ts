import protobuf from 'protobufjs/light.js';
import { z } from 'zod';
import { codec } from '../../wire/codec.ts';
import { createLineReader } from '../lines.ts';
import { tenths } from './tenths.ts';

/** Of BuildKit's StatusResponse (moby/buildkit, api/services/control), what we show. */
const root = protobuf.Root.fromJSON({
  nested: {
    Status: {
      fields: {
        vertexes: { rule: 'repeated', type: 'Vertex', id: 1 },
        statuses: { rule: 'repeated', type: 'VertexStatus', id: 2 },
        logs: { rule: 'repeated', type: 'VertexLog', id: 3 },
      },
    },
    Vertex: {
      fields: {
        digest: { type: 'string', id: 1 },
        name: { type: 'string', id: 3 },
        cached: { type: 'bool', id: 4 },
        started: { type: 'Time', id: 5 },
        completed: { type: 'Time', id: 6 },
        error: { type: 'string', id: 7 },
      },
    },
    VertexStatus: {
      fields: {
        ID: { type: 'string', id: 1 },
        vertex: { type: 'string', id: 2 },
        current: { type: 'int64', id: 4 },
        total: { type: 'int64', id: 5 },
      },
    },
    VertexLog: {
      fields: {
        vertex: { type: 'string', id: 1 },
        stream: { type: 'int64', id: 3 },
        msg: { type: 'bytes', id: 4 },
      },
    },
    Time: { fields: { seconds: { type: 'int64', id: 1 }, nanos: { type: 'int32', id: 2 } } },
  },
});
const statusCodec = codec(root.lookupType('Status'));

const count = z.number().default(0);
const statusSchema = z.object({
  vertexes: z
    .array(
      z.object({
        digest: z.string(),
        name: z.string().default(''),
        cached: z.boolean().default(false),
        started: z.unknown().optional(),
        completed: z.unknown().optional(),
        error: z.string().default(''),
      }),
    )
    .default([]),
  statuses: z
    .array(z.object({ ID: z.string().default(''), vertex: z.string().default(''), current: count, total: count }))
    .default([]),
  logs: z.array(z.object({ vertex: z.string().default(''), msg: z.instanceof(Uint8Array) })).default([]),
});
type Status = z.output<typeof statusSchema>;

/**
 * BuildKit's progress as lines: each step when it begins, or that it was found in the cache; what it prints; and every
 * tenth of what it downloads.
 */
export function createProgress(line: (text: string) => void) {
  const printed = new Map<string, ReturnType<typeof createLineReader>>();
  const shown = new Set<string>();
  const downloads = new Map<
    string,
    { readonly parts: Map<string, { current: number; total: number }>; readonly show: (percent: number) => void }
  >();
  const names = new Map<string, string>();

  function vertex({ digest, name, cached, started, completed }: Status['vertexes'][number]): void {
    names.set(digest, name);
    if (!isStep(name)) return;
    if (started && !cached && !shown.has(digest)) {
      shown.add(digest);
      line(name);
    }
    if (completed && cached && !shown.has(digest)) {
      shown.add(digest);
      line(`${name} (from the cache)`);
    }
    if (completed) flush(digest);
  }

  function download({ ID, vertex: digest, current, total }: Status['statuses'][number]): void {
    const name = names.get(digest) ?? '';
    if (total <= 0 || !isStep(name)) return;
    const show = tenths((percent) => line(`${name}: ${percent} %`));
    const known = downloads.get(digest) ?? { parts: new Map(), show };
    downloads.set(digest, known);
    known.parts.set(ID, { current, total });
    const parts = [...known.parts.values()];
    const sum = (of: 'current' | 'total') => parts.reduce((all, part) => all + part[of], 0);
    known.show((100 * sum('current')) / sum('total'));
  }

  function print(digest: string, bytes: Uint8Array): void {
    const reader = printed.get(digest) ?? createLineReader(line);
    printed.set(digest, reader);
    reader.write(Buffer.from(bytes));
  }

  function flush(digest: string): void {
    printed.get(digest)?.end();
    printed.delete(digest);
  }

  return {
    /** @param aux the value of an event `moby.buildkit.trace` */
    read(aux: string): void {
      const parsed = statusSchema.safeParse(decode(aux));
      if (!parsed.success) return;
      for (const each of parsed.data.vertexes) vertex(each);
      for (const each of parsed.data.statuses) download(each);
      for (const { vertex: digest, msg } of parsed.data.logs) print(digest, msg);
    },
    /** What was printed without an end of line. */
    end(): void {
      for (const digest of [...printed.keys()]) flush(digest);
    },
  };
}

/** An instruction of the Dockerfile, such as `[2/3] RUN …`. Other steps are BuildKit's own. */
function isStep(name: string): boolean {
  return /^\[(?!internal\b)/.test(name);
}

function decode(aux: string): unknown {
  try {
    return statusCodec.deserialize(Buffer.from(aux, 'base64'));
  } catch {
    return undefined;
  }
}
