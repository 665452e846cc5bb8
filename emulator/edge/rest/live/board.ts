/** A part of the stream: an event for one reader or for all. */
export interface Part {
  readonly type: 'state' | 'change';
  /** JSON on one line. */
  readonly data: string;
  /** The cursor after this part; `undefined`: more parts follow. */
  readonly id: string | undefined;
}

export type Kind = 'apps' | 'runners' | 'requests' | 'exceptions';

/**
 * The rows that the stream shows, each with the number of the event that brought it: so the changes since any earlier
 * event are the rows with a higher number, and no event has to be kept. Rows are kept as the JSON that is sent, once
 * for all readers.
 */
export interface Board {
  setHead(head: object): void;
  /** @returns `false`: the row is the same as before, and nothing has changed */
  put(kind: Kind, key: string | number, row: object): boolean;
  remove(kind: Kind, key: string | number): void;
  has(kind: Kind, key: string | number): boolean;
  keys(kind: Kind): Iterable<string | number>;
  /** Ends a group of changes. `undefined`: nothing has changed. */
  commit(): Part | undefined;
  /** What a reader needs that has seen `cursor`, in parts. Only between groups of changes. */
  since(cursor: string | undefined): readonly Part[];
}

interface Stamped {
  readonly json: string;
  readonly seq: number;
}

/** Rows in one part: so many fit, however large the emulator is. */
const rowsInPart = 250;
/** Keys of removed rows that are kept; a reader that has missed more gets the whole state. */
const keptGone = 2_000;

const kinds: readonly Kind[] = ['apps', 'runners', 'requests', 'exceptions'];

/** `epoch`: differs with each start of the emulator. */
export function createBoard(epoch: string): Board {
  const rows: { readonly [K in Kind]: Map<string | number, Stamped> } = {
    apps: new Map(),
    runners: new Map(),
    requests: new Map(),
    exceptions: new Map(),
  };
  /** Removed rows, the oldest first. Those of requests are not needed: a reader that resumes gets all their keys. */
  const gone: { readonly [K in Exclude<Kind, 'requests'>]: Map<string | number, number> } = {
    apps: new Map(),
    runners: new Map(),
    exceptions: new Map(),
  };
  let head: Stamped = { json: '', seq: 0 };
  let seq = 0;
  /** Readers that have seen less than this get the whole state. */
  let floor = 0;
  let changed: {
    head: boolean;
    readonly rows: Map<string, Stamped & { kind: Kind }>;
    readonly gone: Map<string, [Kind, string | number]>;
  } = nothing();

  function part(type: Part['type'], fields: readonly string[], id: string | undefined): Part {
    return { type, data: `{${fields.join(',')}}`, id };
  }

  return {
    setHead(next) {
      const json = JSON.stringify(next);
      if (json === head.json) return;
      head = { json, seq: seq + 1 };
      changed.head = true;
    },
    put(kind, key, row) {
      const json = JSON.stringify(row);
      if (rows[kind].get(key)?.json === json) return false;
      const stamped = { json, seq: seq + 1 };
      // In the order of their numbers: a row that changed is the last one.
      rows[kind].delete(key);
      rows[kind].set(key, stamped);
      if (kind !== 'requests') gone[kind].delete(key);
      changed.gone.delete(`${kind} ${key}`);
      changed.rows.set(`${kind} ${key}`, { ...stamped, kind });
      return true;
    },
    remove(kind, key) {
      if (!rows[kind].delete(key)) return;
      if (kind !== 'requests') {
        gone[kind].delete(key);
        gone[kind].set(key, seq + 1);
      }
      changed.rows.delete(`${kind} ${key}`);
      changed.gone.set(`${kind} ${key}`, [kind, key]);
    },
    has: (kind, key) => rows[kind].has(key),
    keys: (kind) => rows[kind].keys(),
    commit() {
      if (!changed.head && changed.rows.size === 0 && changed.gone.size === 0) return undefined;
      seq++;
      for (const those of Object.values(gone)) {
        for (const [key, at] of those) {
          if (those.size <= keptGone) break;
          those.delete(key);
          floor = Math.max(floor, at);
        }
      }
      const of = (kind: Kind) => [...changed.rows.values()].filter((row) => row.kind === kind).map(({ json }) => json);
      const lost = (kind: Kind) => [...changed.gone.values()].filter(([own]) => own === kind).map(([, key]) => key);
      const cleared = fieldsOf(kinds.map((kind) => [kind, lost(kind).map((key) => JSON.stringify(key))]));
      const fields = [
        ...(changed.head ? [`"head":${head.json}`] : []),
        ...fieldsOf(kinds.map((kind) => [kind, of(kind)])),
        ...(cleared.length > 0 ? [`"cleared":{${cleared.join(',')}}`] : []),
      ];
      changed = nothing();
      return part('change', fields, `${epoch}.${seq}`);
    },
    since(cursor) {
      const seen = seenBy(cursor, epoch);
      const resumes = seen !== undefined && seen >= floor && seen <= seq;
      const after = resumes ? seen : 0;
      if (resumes && after === seq) return [];
      const news = kinds.flatMap((kind) =>
        [...rows[kind].values()].filter((row) => row.seq > after).map(({ json }) => ({ kind, json })),
      );
      const lost = (kind: keyof typeof gone) =>
        [...gone[kind]].filter(([, at]) => at > after).map(([key]) => JSON.stringify(key));
      const cleared = resumes
        ? fieldsOf([
            ['apps', lost('apps')],
            ['runners', lost('runners')],
            ['exceptions', lost('exceptions')],
          ])
        : [];
      const parts: Part[] = [];
      for (let i = 0; i === 0 || i < news.length; i += rowsInPart) {
        const some = news.slice(i, i + rowsInPart);
        const of = (kind: Kind) => some.filter((row) => row.kind === kind).map(({ json }) => json);
        const first = i === 0;
        const fields = [
          ...(first && head.seq > after ? [`"head":${head.json}`] : []),
          ...fieldsOf(kinds.map((kind) => [kind, of(kind)])),
          ...(first && cleared.length > 0 ? [`"cleared":{${cleared.join(',')}}`] : []),
          ...(first && resumes ? [`"onlyRequests":${JSON.stringify([...rows.requests.keys()])}`] : []),
        ];
        const isLast = i + rowsInPart >= news.length;
        parts.push(part(first && !resumes ? 'state' : 'change', fields, isLast ? `${epoch}.${seq}` : undefined));
      }
      return parts;
    },
  };
}

function nothing() {
  return {
    head: false,
    rows: new Map<string, Stamped & { kind: Kind }>(),
    gone: new Map<string, [Kind, string | number]>(),
  };
}

/** Lists that are empty are left out. */
function fieldsOf(lists: readonly (readonly [string, readonly string[]])[]): readonly string[] {
  return lists.filter(([, list]) => list.length > 0).map(([name, list]) => `"${name}":[${list.join(',')}]`);
}

function seenBy(cursor: string | undefined, epoch: string): number | undefined {
  const [own, seq] = cursor?.split('.') ?? [];
  return own === epoch && /^\d{1,15}$/.test(seq ?? '') ? Number(seq) : undefined;
}
