import { execFileSync } from 'node:child_process';
import { createFalClient } from '@fal-ai/client';
import { expect, it } from 'vitest';
import { type ProgramCall, programFor, programKinds } from './programs.ts';

const input = {
  prompt: `it's "a" cat\n\\ $HOME \`id\` 🐈 \u2028`,
  on: true,
  off: false,
  none: null,
  n: [1, 0.5, -3e-7, {}],
  empty: [],
  __proto: { a: [] },
};
const call: ProgramCall = { app: 'local/painter', path: '/slow', input };

it('a shell passes the input on as it is', () => {
  const script = `curl() { printf '%s\\0' "$@"; }\n${programFor('curl', call)}`;
  const env = { FAL_RUN_HOST: 'localhost:4711', FAL_KEY: 'id:secret' };
  const args = execFileSync('sh', ['-c', script], { encoding: 'utf8', env }).split('\0');
  expect(args[1]).toBe('http://localhost:4711/local/painter/slow');
  expect(args).toContain('Authorization: Key id:secret');
  expect(JSON.parse(args[args.indexOf('-d') + 1] ?? '')).toEqual(input);
});

it.each([
  ['GET', false],
  ['PUT', true],
])('a shell sends a %s with a body: %j', (method, hasBody) => {
  const script = `curl() { printf '%s\\0' "$@"; }\n${programFor('curl', { ...call, method })}`;
  const args = execFileSync('sh', ['-c', script], { encoding: 'utf8' }).split('\0');
  expect([args[args.indexOf('-X') + 1], args.includes('-d')]).toEqual([method, hasBody]);
});

it('Python reads the same input', () => {
  const stub = `
import json, sys, types
def subscribe(app, arguments): return json.dumps([app, arguments])
sys.modules["fal_client"] = types.SimpleNamespace(subscribe=subscribe)
`;
  const printed = execFileSync('python3', ['-c', stub + programFor('Python', call)], { encoding: 'utf8' });
  expect(JSON.parse(printed)).toEqual(['local/painter/slow', input]);
});

it.each([
  ['GET', {}],
  ['PUT', input],
])('Python sends a %s', (method, sent) => {
  const stub = `
import json, sys, types
def run(app, arguments, method): return json.dumps([app, arguments, method])
sys.modules["fal_client"] = types.SimpleNamespace(run=run)
`;
  const program = programFor('Python', { ...call, method, query: '?a=1' });
  const printed = execFileSync('python3', ['-c', stub + program], { encoding: 'utf8' });
  expect(JSON.parse(printed)).toEqual(['local/painter/slow?a=1', sent, method]);
});

it.each([
  ['GET', undefined, 'https://fal.run/local/painter/slow?a=1'],
  ['DELETE', undefined, 'https://fal.run/local/painter/slow?a=1'],
  ['PUT', input, 'https://fal.run/local/painter/slow?a=1'],
])('JavaScript sends a %s', async (method, sent, url) => {
  const text = programFor('JS', { ...call, method, query: '?a=1' }).replace(/^(import|fal\.config).*$/gm, '');
  const requests: unknown[] = [];
  const fal = createFalClient({
    credentials: 'id:secret',
    suppressLocalCredentialsWarning: true,
    fetch: async (target: unknown, { method: verb, body }: RequestInit = {}) => {
      requests.push([verb, target, body === undefined ? undefined : JSON.parse(String(body))]);
      return Response.json({});
    },
  });
  const AsyncFunction = (async () => undefined).constructor as FunctionConstructor;
  await new AsyncFunction('fal', text.replace('console.log(data);', ''))(fal);
  expect(requests).toEqual([[method, url, sent]]);
});

it('JavaScript reads the same input', () => {
  const text = programFor('JS', call).replace(/^import.*$/m, '');
  const found: unknown[] = [];
  const fal = { config: () => undefined, subscribe: (...all: unknown[]) => void found.push(...all) };
  const body = text.replace('const { data } = await ', '').replace('console.log(data);', '');
  new Function('fal', body)(fal);
  expect(found).toEqual(['local/painter/slow', { input }]);
});

it('programs have integers that JavaScript would round', () => {
  const exact = { ...call, input: { seed: '\x0018446744073709551615' } };
  expect(programFor('curl', exact)).toContain('{"seed":18446744073709551615}');
  expect(programFor('Python', exact)).toContain('"seed": 18446744073709551615,');
});

it.each(programKinds)('a %s program has the query of the call', (kind) => {
  expect(programFor(kind, { ...call, query: '?a=1&b=x' })).toContain('local/painter/slow?a=1&b=x');
});

it.each(programKinds)('no %s program has a key in its text', (kind) => {
  expect(programFor(kind, { ...call, path: '/' })).not.toMatch(/Key (?!\$)|\w{8}-\w{4}-/);
});
