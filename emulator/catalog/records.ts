import { createDocuments, type Documents } from '../store/documents.ts';
import type { Store } from '../store/open.ts';
import {
  aliasDocument,
  environmentDocument,
  keyDocument,
  revisionDocument,
  type StoredKey,
  type StoredSecret,
  secretDocument,
} from './documents.ts';
import type { Alias, EnvironmentInfo, Revision } from './types.ts';

/** The stored records of one kind, by id. */
export interface Records<T> extends Pick<Documents<T>, 'load'> {
  /** Creates or replaces it. @throws DiskTrouble: nothing has changed */
  put(id: string, value: T): void;
  /** @throws DiskTrouble: nothing has changed */
  remove(id: string): void;
  /**
   * Like `put`, but also works while the disk accepts nothing: the record is then written as soon as there is room.
   * Resolves when it is on disk. `present` is called when the record is written, which may be later and more than once;
   * `undefined`: the record no longer exists, and nothing is written.
   */
  keep(id: string, present: () => T | undefined): Promise<void>;
}

/** The ids of the records that are removed with an environment. */
interface EnvironmentContents {
  readonly secrets: readonly string[];
  readonly aliases: readonly string[];
  readonly revisions: readonly string[];
}

/**
 * The catalog's records on disk: the only module of this room that accesses the store.
 *
 * - Atomic: each call. An environment is removed with all its contents or not at all.
 * - Durable when a call returns: everything it wrote survives power loss (a store with synchronous=FULL); for `keep`,
 *   when its promise resolves.
 * - Loaded: complete records only, in the order in which their ids were first put. A damaged one is removed, and one
 *   that this minifal can't read is kept unchanged; the store's notices name both.
 * - Excluded: nested calls, and a second process on the same file. The caller decides what is kept in memory and which
 *   ids exist.
 */
export interface CatalogRecords {
  readonly keys: Records<StoredKey>;
  readonly environments: Records<EnvironmentInfo>;
  readonly secrets: Records<StoredSecret>;
  readonly revisions: Records<Revision>;
  readonly aliases: Records<Alias>;
  /**
   * Removes the environment and the given records.
   * @throws DiskTrouble: nothing has changed
   */
  removeEnvironment(name: string, contents: EnvironmentContents): void;
}

export function catalogRecords(store: Store): CatalogRecords {
  const documents = {
    keys: createDocuments(store, 'keys', keyDocument),
    environments: createDocuments(store, 'environments', environmentDocument),
    secrets: createDocuments(store, 'secrets', secretDocument),
    revisions: createDocuments(store, 'revisions', revisionDocument),
    aliases: createDocuments(store, 'aliases', aliasDocument),
  };
  return {
    keys: records(store, documents.keys),
    environments: records(store, documents.environments),
    secrets: records(store, documents.secrets),
    revisions: records(store, documents.revisions),
    aliases: records(store, documents.aliases),
    removeEnvironment(name, contents) {
      store.transaction(() => {
        for (const kind of ['secrets', 'aliases', 'revisions'] as const) {
          for (const id of contents[kind]) documents[kind].delete(id);
        }
        documents.environments.delete(name);
      });
    },
  };
}

function records<T>(store: Store, documents: Documents<T>): Records<T> {
  return {
    load: documents.load,
    put: (id, value) => store.transaction(() => documents.put(id, value)),
    remove: (id) => store.transaction(() => documents.delete(id)),
    keep: (id, present) =>
      store.keep(() => {
        const value = present();
        if (value !== undefined) documents.put(id, value);
      }),
  };
}
