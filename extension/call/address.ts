/**
 * The scheme of what the extension shows about calls. The authority says what it is: none or `schema` for the schemas
 * of inputs, `answer`, or `request` for requests that aren't files of the workspace.
 */
export const callScheme = 'fal-call';

type CallAuthority = 'answer' | 'request';

interface UriParts {
  readonly scheme: string;
  readonly authority: string;
  readonly path: string;
}

/** Of the files of the workspace that are requests. */
export const fileEnding = '.fal.json';

const isOf = (kind: CallAuthority) => (uri: Omit<UriParts, 'path'>) =>
  uri.scheme === callScheme && uri.authority === kind;

export const isAnswerDocument = isOf('answer');
export const isRequestDocument = isOf('request');

/** Whether a document is a request, also one of the workspace, or an answer. */
export function isOfCall({ scheme, path }: Pick<UriParts, 'scheme' | 'path'>): boolean {
  return scheme === callScheme || path.endsWith(fileEnding);
}

/**
 * Which endpoint a request document calls. It is the document's `$schema`, so that one line says where the request goes
 * and gives the document completion, hovers and squiggles: `fal-call:/services/img/app.py::Painter/slow`, or
 * `fal-call:/@my-alias/slow` for an app whose code isn't in the workspace.
 */
export type CallAddress = CodeAddress | AliasAddress;

interface CodeAddress {
  /** Relative to the workspace folder, with `/`. */
  readonly file: string;
  /** The class, or the entry of `[tool.fal.apps]`. */
  readonly app: string;
  /** Of the endpoint, with its leading slash. */
  readonly path: string;
}

interface AliasAddress {
  readonly alias: string;
  readonly path: string;
}

export function formatAddress(address: CallAddress): string {
  const app = 'alias' in address ? `@${address.alias}` : `${address.file}::${address.app}`;
  return `${callScheme}:/${app}${address.path === '/' ? '' : address.path}`;
}

/**
 * Where the schema of an endpoint's input is; the document at the address itself only refers to it. The editor's JSON
 * support reads a schema again only if each sign of its URI is written as it is, which `::`, `@` and `{` aren't.
 */
export function schemaUri(address: CallAddress): string {
  return `${callScheme}://schema/${Buffer.from(formatAddress(address)).toString('hex')}`;
}

/** The endpoint of such a URI. `undefined`: it isn't one. Pure. */
export function addressOfSchema({ path }: Pick<UriParts, 'path'>): CallAddress | undefined {
  return parseAddress(Buffer.from(path.slice(1), 'hex').toString());
}

/** `undefined`: it isn't an address. Pure. */
export function parseAddress(text: string): CallAddress | undefined {
  if (!text.startsWith(`${callScheme}:/`)) return undefined;
  const rest = text.slice(callScheme.length + 2);
  // First, because a folder's name may begin with `@`.
  const file = /^([^/].*?\.(?:py|toml))::([^/\s:]+)(\/\S*)?$/.exec(rest);
  const named = file ? null : /^@([^/\s]+)(\/\S*)?$/.exec(rest);
  if (named?.[1] !== undefined) return { alias: named[1], path: named[2] ?? '/' };
  const code = file ?? /^([^@/].*?)::([^/\s:]+)(\/\S*)?$/.exec(rest);
  if (code?.[1] === undefined || code[2] === undefined) return undefined;
  return { file: code[1], app: code[2], path: code[3] ?? '/' };
}

/** A document is searched only this far for its address. */
const headCharacters = 4_096;

/** The address in a request document, which may be in the middle of an edit. Pure. */
export function addressIn(text: string): CallAddress | undefined {
  const found = /"\$schema"\s*:\s*("(?:[^"\\\n]|\\.)*")/.exec(text.slice(0, headCharacters));
  if (found?.[1] === undefined) return undefined;
  try {
    return parseAddress(JSON.parse(found[1]));
  } catch {
    return undefined;
  }
}

/** How people name the app of an address. */
export function appOf(address: CallAddress): string {
  return 'alias' in address ? address.alias : address.app;
}

/**
 * What people call an answer to this endpoint, as a file name: `Painter · POST ∕slow answer`. A slash would begin a
 * folder there, so it is the sign for a division.
 */
export function answerName(address: CallAddress, method: string): string {
  const name = [appOf(address), `${method} ${address.path}`].join(' · ').replaceAll('/', '∕');
  return `${name.replaceAll(/\p{Cc}/gu, ' ').slice(0, 80)} answer`;
}

/** A file name for a request to this endpoint, without a number and an ending. */
export function fileStem(address: CallAddress): string {
  const words = `${appOf(address)}${address.path}`.toLowerCase().match(/[a-z0-9]+/g) ?? ['call'];
  return words.join('-').slice(0, 60);
}
