import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Template } from './read.ts';

/** A value for each variable, by its name. */
export type Values = Readonly<Record<string, string>>;
export type ProjectFiles = ReadonlyMap<string, Uint8Array>;

export function defaultsOf({ variables }: Pick<Template, 'variables'>): Values {
  return Object.fromEntries(variables.map((variable) => [variable.name, String(variable.default)]));
}

/**
 * The files of a new project. A template also runs as it is: its files contain the default values, and the places of
 * its manifest are where other values go.
 */
export function fill(template: Template, values: Values): ProjectFiles {
  const files = template.files.map((name) => [name, readFileSync(join(template.folder, name))] as const);
  return new Map(files.map(([name, bytes]) => [name, withValues(template, name, bytes, values)]));
}

function withValues({ name, variables }: Template, file: string, bytes: Buffer, values: Values): Uint8Array {
  const changes = variables.flatMap((variable) => {
    const value = values[variable.name] ?? String(variable.default);
    return variable.places
      .filter((place) => place.file === file)
      .map(({ text }) => ({
        from: text.replaceAll('{}', String(variable.default)),
        to: text.replaceAll('{}', () => value),
      }));
  });
  if (changes.length === 0) return bytes;
  let text = bytes.toString('utf8');
  for (const { from, to } of changes) {
    if (!text.includes(from)) throw new Error(`${name}/${file} doesn't contain ${JSON.stringify(from)}.`);
    text = text.replaceAll(from, () => to);
  }
  return Buffer.from(text);
}
