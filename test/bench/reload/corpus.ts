import { cp, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { mustRun } from '../../support/process.ts';
import { root } from '../../support/root.ts';

const helpers = join(root, 'emulator/reload/loader/testing');

/** A kind of edit that tools for changing live Python get wrong, and those of corpus_edits.py that show it. */
interface Kind {
  readonly name: string;
  readonly edits: readonly string[];
  /** A request is in progress during the save. */
  readonly isInFlight?: true;
}

const kinds: readonly Kind[] = [
  { name: 'dataclass fields added', edits: ['field added to a dataclass'] },
  { name: "an Enum in a module that isn't reloaded", edits: ["enum of a module that isn't reloaded: value"] },
  { name: 'namespace subpackages', edits: ['namespace subpackage: function', 'namespace subpackage: constant'] },
  { name: 'two copies of a class and isinstance', edits: ['method of a class with a live instance'] },
  { name: 'decorators and closures', edits: ["decorator's argument", "decorator's inner function"] },
  { name: 'functools.cache', edits: ['functools.cache'] },
  { name: 'globals and threads made in setup()', edits: ['global that setup() makes', 'target of a running thread'] },
  { name: 'a context manager or generator in flight', edits: ['context manager', 'generator'], isInFlight: true },
  { name: 'a FieldException before and after', edits: ['FieldException'] },
  { name: 'monkeypatched libraries', edits: ['function that setup() puts into a library'] },
  { name: '__slots__', edits: ['slots'] },
  { name: 'metaclasses', edits: ['metaclass'] },
  { name: 'properties', edits: ['property', 'setter of a property'] },
  { name: 'class attributes read at import', edits: ['class attribute that is read at import'] },
  { name: 'pydantic models whose fields changed', edits: ['pydantic: field of the input'] },
  { name: 'relative imports', edits: ['relative import: function', 'relative import: constant'] },
  { name: 'circular imports', edits: ['circular imports: both sides'] },
];

/** The app after one more kind of edit. */
export interface State {
  /** Absent: as it was before the first. */
  readonly kind?: Kind;
  /** A folder with its files. */
  readonly folder: string;
  /** Files that the edit changes, and their new text. */
  readonly changed: ReadonlyMap<string, string>;
}

const editSchema = z.tuple([z.string(), z.array(z.tuple([z.string(), z.string(), z.string()]))]);

/**
 * Writes the corpus's app below a folder as it is, and after each kind of edit, each on top of those before, as a
 * person works.
 * @param count how many kinds
 */
export async function writeStates(below: string, python: string, count: number): Promise<readonly State[]> {
  const program = 'import json, corpus_edits; print(json.dumps(corpus_edits.EDITS))';
  const printed = await mustRun(python, ['-c', program], { cwd: helpers });
  const edits = new Map(z.array(editSchema).parse(JSON.parse(printed)));
  let folder = join(below, '0');
  await mkdir(below, { recursive: true });
  await cp(join(helpers, 'corpus'), folder, { recursive: true });
  const states: State[] = [{ folder, changed: new Map() }];
  for (const kind of kinds.slice(0, count)) {
    const next = join(below, String(states.length));
    await cp(folder, next, { recursive: true });
    folder = next;
    const changed = new Map<string, string>();
    for (const [name, old, text] of kind.edits.flatMap((edit) => edits.get(edit) ?? fail(`no edit ${edit}`))) {
      const before = changed.get(name) ?? (await readFile(join(folder, name), 'utf8'));
      if (!before.includes(old)) fail(`${kind.name}: no ${old} in ${name}`);
      changed.set(
        name,
        before.replace(old, () => text),
      );
    }
    for (const [name, text] of changed) await writeFile(join(folder, name), text);
    states.push({ kind, folder, changed });
  }
  return states;
}

function fail(text: string): never {
  throw new Error(text);
}
