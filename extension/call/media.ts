import { isObject, type Json } from './json.ts';

const types = {
  image: { png: 'image/png', jpg: 'image/jpeg', jpeg: 'image/jpeg', gif: 'image/gif', webp: 'image/webp' },
  audio: { mp3: 'audio/mpeg', wav: 'audio/wav', ogg: 'audio/ogg', flac: 'audio/flac', m4a: 'audio/mp4' },
  video: { mp4: 'video/mp4', webm: 'video/webm', mov: 'video/quicktime' },
} as const satisfies { readonly [kind: string]: { readonly [ending: string]: string } };
const byEnding = new Map<string, string>(Object.values(types).flatMap((group) => Object.entries(group)));

/** The media type of a file with this name. */
export function contentTypeOf(name: string): string {
  return byEnding.get(endingOf(name)) ?? 'application/octet-stream';
}

/** What a person calls a file with this name. */
export function kindOf(name: string): keyof typeof types | 'file' {
  const kind = contentTypeOf(name).split('/', 1)[0];
  return kind === 'image' || kind === 'audio' || kind === 'video' ? kind : 'file';
}

function endingOf(name: string): string {
  return /\.([A-Za-z0-9]{1,5})$/.exec(name)?.[1]?.toLowerCase() ?? '';
}

/** An image, a sound, a video or another file that an answer names. */
export interface Medium {
  /** `http:`, `https:` or `data:`. */
  readonly url: string;
  /** With an ending by which the editor knows how to show it. */
  readonly name: string;
}

/** A file of this type that has no name. */
export function nameFor(contentType: string): string {
  return `result.${endingFor(contentType) ?? 'bin'}`;
}

/** Without its parameters, `image/jpeg` is `jpg`; `undefined`: not a medium that the editor shows. */
function endingFor(contentType: string): string | undefined {
  const type = contentType.split(';', 1)[0]?.trim().toLowerCase();
  return [...byEnding].find(([, other]) => other === type)?.[0];
}

const most = { media: 100, depth: 20 };

/** The files in an answer: objects like the SDK's `File`, and addresses whose ending is of a medium. Pure. */
export function mediaIn(answer: Json): readonly Medium[] {
  const found = new Map<string, Medium>();
  visit(answer, 0);
  return [...found.values()];

  function visit(value: Json, depth: number): void {
    if (depth > most.depth || found.size >= most.media) return;
    if (typeof value === 'string') add(value, undefined, undefined);
    else if (Array.isArray(value)) for (const item of value) visit(item, depth + 1);
    else if (isObject(value)) {
      const { url, content_type: type, file_name: name } = value;
      const isFile = typeof url === 'string' && (typeof type === 'string' || typeof name === 'string');
      if (isFile) add(url, text(type), text(name));
      for (const item of Object.values(value)) if (!isFile || item !== url) visit(item, depth + 1);
    }
  }

  function add(url: string, type: string | undefined, name: string | undefined): void {
    const inline = /^data:([\w.+-]+\/[\w.+-]+)[;,]/.exec(url);
    if (!inline && !/^https?:\/\/\S+$/.test(url)) return;
    const known = type ?? inline?.[1];
    const last = inline ? '' : lastSegment(url);
    const shown = [name, last].find((one) => one !== undefined && byEnding.has(endingOf(one)));
    const ending = known === undefined ? undefined : endingFor(known);
    if (shown === undefined && ending === undefined && known === undefined) return;
    found.set(url, { url, name: safeName(shown ?? `${stem(name ?? last)}.${ending ?? 'bin'}`) });
  }
}

const text = (value: Json | undefined) => (typeof value === 'string' ? value : undefined);
const stem = (name: string) => name.replace(/\.[^.]*$/, '') || 'result';
const safeName = (name: string) =>
  name
    .replaceAll(/[^\w.-]+/g, '_')
    .replace(/^\.+/, '')
    .slice(-80) || 'result';

function lastSegment(url: string): string {
  try {
    return decodeURIComponent(new URL(url).pathname.split('/').at(-1) ?? '');
  } catch {
    return '';
  }
}
