import { isObject, type Json, type JsonObject } from './json.ts';
import { alternatives, propertiesOf } from './schema.ts';

/** A file that an input names by its path. */
export interface InputFile {
  /** The string in the input. */
  readonly value: string;
  /** Relative to the workspace folder, or absolute. */
  readonly path: string;
  /** Written as `file:…`: it has to exist. Otherwise the string may also be just a word. */
  readonly isExplicit: boolean;
}

const maxDepth = 20;
const fileFields = new Set(['file', 'image', 'audio', 'video', 'mask']);
const fileFormats = new Set(['data-uri', 'https-url', 'uri', 'url']);

/**
 * The strings of an input that name files of the workspace: `file:cat.png` anywhere, and a path in a field whose schema
 * takes the address of a file. Pure.
 */
export function filesIn(input: JsonObject, schema: JsonObject = {}): readonly InputFile[] {
  const components = isObject(schema.components) ? schema.components : {};
  const found = new Map<string, InputFile>();
  /** Of the items of a list, each has the same schema. */
  const known = new Map<JsonObject, boolean>();
  walk(input, schema, '', 0);
  return [...found.values()];

  function walk(value: Json, of: JsonObject, name: string, depth: number): void {
    if (depth > maxDepth) return;
    if (typeof value === 'string') {
      const file = fileOf(value, () => {
        const takes = known.get(of) ?? takesFile(of, name, components);
        known.set(of, takes);
        return takes;
      });
      if (file) found.set(value, file);
    } else if (Array.isArray(value)) {
      const items = partOf(of, 'items');
      for (const item of value) walk(item, items, name, depth + 1);
    } else if (isObject(value)) {
      const properties = propertiesOf(of, components);
      const others = partOf(of, 'additionalProperties');
      for (const [key, item] of Object.entries(value)) walk(item, properties.get(key) ?? others, key, depth + 1);
    }
  }

  function partOf(of: JsonObject, part: 'items' | 'additionalProperties'): JsonObject {
    const parts = alternatives(of, components).map((one) => one[part]);
    return parts.find(isObject) ?? {};
  }
}

function fileOf(value: string, isFileField: () => boolean): InputFile | undefined {
  if (value.length > 4_096 || value.includes('\n')) return undefined;
  // With a space, it is a sentence.
  if (/^file:\S/i.test(value)) {
    const path = value.slice('file:'.length);
    return { value, path: path.startsWith('///') ? decoded(path.slice(2)) : path, isExplicit: true };
  }
  const isPath = value !== '' && !/^[a-z][a-z0-9+.-]+:/i.test(value) && /[^/\\]\.\w+$/.test(value);
  return isPath && isFileField() ? { value, path: value, isExplicit: false } : undefined;
}

/** A path of a URL, in which `%20` is a space. */
function decoded(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}

/** The SDK marks fields for files by `ui.field`; others are known by their format or their name. */
function takesFile(schema: JsonObject, name: string, components: JsonObject): boolean {
  if (/(^|_)urls?$/.test(name)) return true;
  return alternatives(schema, components).some(({ ui, format }) => {
    const field = isObject(ui) ? ui.field : undefined;
    return fileFields.has(String(field)) || fileFormats.has(String(format));
  });
}

/** The input with each of these strings replaced. Pure. */
export function withUrls<T extends Json>(value: T, urls: ReadonlyMap<string, string>): T;
export function withUrls(value: Json, urls: ReadonlyMap<string, string>): Json {
  if (typeof value === 'string') return urls.get(value) ?? value;
  if (Array.isArray(value)) return value.map((item: Json) => withUrls(item, urls));
  if (!isObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, withUrls(item, urls)]));
}
