import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type * as vscode from 'vscode';
import * as z from 'zod';

/** What is served under an alias. */
export interface Served {
  readonly alias: string;
  readonly revision: string;
}

/** What the emulator doesn't know: the text of an app's file when its run or its deploy began. */
export interface StartedCode {
  /** `hash`: of the file, before the command read it; `undefined`: it couldn't be read. */
  note(served: Served, hash: string | undefined): void;
  /** `undefined`: another window or a terminal has started it, or it was reloaded since. */
  of(served: Served): string | undefined;
}

const name = 'startedCode';
const notesSchema = z.array(z.object({ alias: z.string(), revision: z.string(), hash: z.string() }));
/** The last ones are kept: each run has an alias of its own. */
const maxNotes = 200;

/** Remembers it in the workspace, so that a reloaded window knows it, too. `changed` is called after each change. */
export function createStartedCode(memento: vscode.Memento, changed: () => void): StartedCode {
  let notes = notesSchema.safeParse(memento.get(name)).data ?? [];
  return {
    note({ alias, revision }, hash) {
      const others = notes.filter((one) => one.alias !== alias);
      notes = hash === undefined ? others : [...others, { alias, revision, hash }].slice(-maxNotes);
      void memento.update(name, notes);
      changed();
    },
    of: ({ alias, revision }) => notes.find((one) => one.alias === alias && one.revision === revision)?.hash,
  };
}

/** A hash of a file's content on the disk; `undefined`: it can't be read. */
export async function codeHash(path: string): Promise<string | undefined> {
  try {
    return createHash('sha256')
      .update(await readFile(path))
      .digest('base64');
  } catch {
    return undefined;
  }
}
