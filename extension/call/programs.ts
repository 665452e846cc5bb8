import { exactText, type Json } from './json.ts';
import { hasBody } from './place-input.ts';

/** What a copied program calls. */
export interface ProgramCall {
  /** Absent: `POST`. */
  readonly method?: string;
  /** `owner/alias`. */
  readonly app: string;
  /** With its leading slash, encoded. */
  readonly path: string;
  /** With its leading `?`; empty or absent: there is none. */
  readonly query?: string;
  readonly input: Json;
}

export const programKinds = ['curl', 'Python', 'JS'] as const;
export type ProgramKind = (typeof programKinds)[number];

/**
 * A program that sends a request, complete and without secrets: keys and addresses come from the variables of the
 * terminal `fal (local)`. Pure.
 */
export function programFor(kind: ProgramKind, call: ProgramCall): string {
  switch (kind) {
    case 'curl':
      return curl(call);
    case 'Python':
      return python(call);
    case 'JS':
      return javascript(call);
  }
}

const endpoint = ({ app, path, query = '' }: ProgramCall) => `${app}${path === '/' ? '' : path}${query}`;

function curl(call: ProgramCall): string {
  const address = `"http://$FAL_RUN_HOST"${quoted(`/${endpoint(call)}`)}`;
  const head = `-H "Authorization: Key $FAL_KEY" -H 'Content-Type: application/json'`;
  const { method = 'POST' } = call;
  // With a body, curl sends a POST unless it is given another method.
  const verb = method === 'POST' ? '' : ` -X ${quoted(method)}`;
  const body = hasBody(method) ? ` -d ${quoted(exactText(call.input))}` : '';
  return `curl -sS${verb} ${address} ${head}${body}\n`;
}

/** For a POSIX shell. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

function python(call: ProgramCall): string {
  const { method = 'POST' } = call;
  // Only requests for POST can be queued.
  const [name, more] = method === 'POST' ? ['subscribe', ''] : ['run', `\n    method=${JSON.stringify(method)},`];
  const sent = hasBody(method) ? call.input : {};
  return `# Run it in the terminal "fal (local)": its variables name the emulator and the key.
import fal_client

result = fal_client.${name}(
    ${JSON.stringify(endpoint(call))},
    arguments=${pythonValue(sent, '    ')},${more}
)
print(result)
`;
}

function pythonValue(value: Json, indent: string): string {
  if (value === null) return 'None';
  if (typeof value === 'boolean') return value ? 'True' : 'False';
  // JSON's escapes are Python's, too, except for those of half characters, which Python reads as such.
  if (typeof value !== 'object') return exactText(value);
  const inner = `${indent}    `;
  const items = Array.isArray(value)
    ? value.map((item: Json) => `${inner}${pythonValue(item, inner)},\n`)
    : Object.entries(value).map(([name, item]) => `${inner}${JSON.stringify(name)}: ${pythonValue(item, inner)},\n`);
  const [open, close] = Array.isArray(value) ? '[]' : '{}';
  return items.length === 0 ? `${open}${close}` : `${open}\n${items.join('')}${indent}${close}`;
}

function javascript(call: ProgramCall): string {
  const { method = 'POST' } = call;
  const name = method === 'POST' ? 'subscribe' : 'run';
  const input = exactText(call.input, 2).replaceAll('\n', '\n  ');
  const options = [
    ...(method === 'POST' ? [] : [`method: ${JSON.stringify(method.toLowerCase())},`]),
    ...(hasBody(method) ? [`input: ${input},`] : []),
  ];
  return `// Run it in the terminal "fal (local)", as an ES module: its variables name the emulator and the key.
import { fal } from "@fal-ai/client";

fal.config({ proxyUrl: { url: \`http://\${process.env.FAL_HOST}/api/fal/proxy\`, when: "always" } });
const { data } = await fal.${name}(${JSON.stringify(endpoint(call))}, {
  ${options.join('\n  ')}
});
console.log(data);
`;
}
