import { createHash } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type * as vscode from 'vscode';
import * as z from 'zod';
import { type CallAddress, formatAddress } from './address.ts';
import { isObject, type JsonObject } from './json.ts';
import type { Operation } from './openapi.ts';
import type { Targets } from './targets.ts';

const storedSchema = z.array(
  z.object({
    method: z.string(),
    path: z.string(),
    summary: z.string(),
    input: z.custom<JsonObject>(isObject).optional(),
    query: z.array(z.string()).default([]),
    both: z.array(z.string()).default([]),
  }),
);

/** A larger description isn't kept on the disk. */
const maxStored = 1_000_000;

/** How long a look waits for the answer of an app, and of one whose runners all have requests. */
const patienceMs = { free: 5_000, busy: 500 };

/**
 * What apps have said about their endpoints. It is kept on the disk, so that the editor can complete and check a saved
 * request whose app doesn't run.
 */
export function createOperations(deps: {
  readonly targets: Pick<Targets, 'find' | 'operations'>;
  readonly folder: string;
  /** The schema of this address is a new one. */
  readonly changed: (address: CallAddress) => void;
}) {
  const { targets, folder } = deps;
  const known = new Map<string, Operation>();
  /** All of an app, as it described them last. */
  const lists = new Map<string, readonly Operation[]>();
  /** Which revision described each app last: it may be a request of its runners. A run has other code than a deploy. */
  const describedBy = new Map<string, string>();
  /** The questions to each app that aren't answered yet. */
  const asking = new Map<string, Set<Promise<unknown>>>();
  const appKey = (address: CallAddress): string => formatAddress({ ...address, path: '/' });
  const codeKey = ({ alias, revision }: Parameters<typeof targets.operations>[0]): string => `${alias} ${revision}`;
  const hasAnswered = (address: CallAddress, target: Parameters<typeof targets.operations>[0]): boolean =>
    describedBy.get(appKey(address)) === codeKey(target);

  /** Asks the app for its operations. */
  async function learn(...question: Parameters<typeof ask>): Promise<readonly Operation[]> {
    const key = appKey(question[0]);
    const answer = ask(...question);
    const open = asking.get(key) ?? new Set();
    asking.set(key, open.add(answer));
    try {
      return await answer;
    } finally {
      open.delete(answer);
      if (open.size === 0) asking.delete(key);
    }
  }

  async function ask(
    address: CallAddress,
    target: Parameters<typeof targets.operations>[0],
    how: Parameters<typeof targets.operations>[1],
  ): Promise<readonly Operation[]> {
    const operations = await targets.operations(target, how);
    const isNew = take(address, operations);
    if (operations.length > 0) {
      describedBy.set(appKey(address), codeKey(target));
      lists.set(appKey(address), operations);
    }
    // It is only a convenience: without it, the app has to run.
    if (isNew) await store(address, operations).catch(() => undefined);
    return operations;
  }

  function take(address: CallAddress, operations: readonly Operation[]): boolean {
    let isNew = false;
    for (const operation of operations) {
      const at = { ...address, path: operation.path };
      const key = formatAddress(at);
      if (JSON.stringify(known.get(key)) === JSON.stringify(operation)) continue;
      known.set(key, operation);
      deps.changed(at);
      isNew = true;
    }
    return isNew;
  }

  function fileOf(address: CallAddress): string {
    const app = formatAddress({ ...address, path: '/' });
    return join(folder, `${createHash('sha256').update(app).digest('hex').slice(0, 32)}.json`);
  }

  async function store(address: CallAddress, operations: readonly Operation[]): Promise<void> {
    const text = JSON.stringify(operations);
    if (text.length > maxStored) return;
    await mkdir(folder, { recursive: true, mode: 0o700 });
    await writeFile(fileOf(address), text, { mode: 0o600 });
  }

  async function stored(address: CallAddress): Promise<readonly Operation[]> {
    try {
      const operations = storedSchema.parse(JSON.parse(await readFile(fileOf(address), 'utf8')));
      return operations.map(({ input, ...operation }) => ({ ...operation, input }));
    } catch {
      return [];
    }
  }

  return {
    learn,
    /** What the app says now if it answers without a wait, otherwise what it said last. */
    async find(address: CallAddress, document?: vscode.Uri): Promise<Operation | undefined> {
      const key = formatAddress(address);
      const target = await targets.find(address, document);
      if (target && !hasAnswered(address, target) && !asking.has(appKey(address))) {
        const signal = AbortSignal.timeout(target.isBusy ? patienceMs.busy : patienceMs.free);
        await learn(address, target, { mayWait: false, signal }).catch(() => undefined);
      }
      if (!known.has(key)) take(address, await stored(address));
      return known.get(key);
    },
    /** Whether the latest description of the app is that of this revision. */
    hasAnswered,
    /** All operations, as the app described them last, which may have been in another revision; empty: it never did. */
    last: async (address: CallAddress): Promise<readonly Operation[]> =>
      lists.get(appKey(address)) ?? (await stored(address)),
    /** Without a look. */
    known: (address: CallAddress): Operation | undefined => known.get(formatAddress(address)),
  };
}

export type Operations = ReturnType<typeof createOperations>;
