// `node test/isolation/table.mjs [--as WHO] [--mode MODE] [--part PART] [--cases FOLDER] [--out FILE]`: fal's own
// suites, the cases of a folder, 20 kills and the bench in each mode of isolation, as root, as an ordinary user, and as
// one whose machine refuses user namespaces; as a table. Each option may be repeated and limits what runs; the suites
// of older releases (`older`) run as root alone. Takes hours, and root where others than the caller are asked for.
import { spawn } from 'node:child_process';
import { appendFileSync, cpSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { isolationModes } from '../../emulator/wire/isolation.ts';
import { ordinaryUser } from '../../scripts/ordinary-user.mjs';
import { cacheDir, root } from '../support/root.ts';

const several = { type: 'string', multiple: true };
const { values } = parseArgs({
  options: { as: several, mode: several, part: several, cases: { type: 'string' }, out: { type: 'string' } },
});
const logs = join(cacheDir, 'isolation-table');
mkdirSync(logs, { recursive: true });

const counted = (code, output, who) => {
  const summary = [...output.matchAll(/^\d+ passed, \d+ failed.*$/gm)].at(-1)?.[0] ?? `ended with ${code}`;
  const failed = [...output.matchAll(/^ {2}\S+::(\w+) passed before: /gm)].map(([, test]) => test);
  // The test compares host names; without namespaces, a runner has no host name of its own (FIDELITY.md).
  if (who === 'refused' && failed.length > 0 && failed.every((test) => test === 'test_isolated'))
    return { ok: true, text: `${summary} (test_isolated: the host name)` };
  return { ok: code === 0, text: summary };
};
const parts = {
  suites: { args: ['test/conformance/run.ts'], judge: counted },
  cases: { args: ['test/isolation/cases.ts'], judge: counted },
  kills: {
    args: ['node_modules/vitest/vitest.mjs', 'run', '--config', 'vitest.e2e.config.ts', 'test/e2e/crash.test.ts'],
    judge: (code, output) => ({
      ok: code === 0,
      text: code === 0 ? (/\d+ requests accepted, all answered/.exec(output)?.[0] ?? 'passed') : `ended with ${code}`,
    }),
  },
  older: { args: ['test/conformance/run.ts', '--sdk', 'older'], judge: counted },
  bench: {
    args: ['test/bench/run.ts', 'isolation', 'gateway', 'start', '--quick'],
    judge: (code, output) => ({ ok: code === 0, text: code === 0 ? figures(output) : `ended with ${code}` }),
  },
};
/** Sets the machine's own switch inside a namespace, so that the machine isn't changed. */
const refusing = [
  ...['unshare', '--user', '--map-current-user', '--keep-caps', 'sh', '-c'],
  'echo 0 > /proc/sys/user/max_user_namespaces && ' +
    'exec setpriv --ambient-caps=-all --inh-caps=-all --bounding-set=-all "$@"',
  'sh',
];

const people = ['root', 'user', 'refused'].filter((who) => values.as?.includes(who) ?? true);
const modes = isolationModes.filter((mode) => values.mode?.includes(mode) ?? true);
const wanted = Object.keys(parts).filter((part) => values.part?.includes(part) ?? true);
const cells = new Map();
const user = people.some((who) => who !== 'root') ? anOrdinaryUser() : undefined;
try {
  for (const who of people) for (const mode of modes) for (const part of wanted) await fill(who, mode, part);
} finally {
  user?.remove();
}
process.exit([...cells.values()].every(({ ok }) => ok) ? 0 : 1);

function anOrdinaryUser() {
  const made = ordinaryUser(process.execPath);
  if (typeof made === 'string') throw new Error(made);
  // Copied, so that the ordinary user can read the cases, whatever their owner.
  if (values.cases) cpSync(values.cases, join(made.folder, 'test', '.cache', 'cases'), { recursive: true });
  return made;
}

async function fill(who, mode, part) {
  const { args, judge } = parts[part];
  if ((part === 'older' && who !== 'root') || (part === 'cases' && !values.cases)) return;
  const ofCases = who === 'root' ? (values.cases ?? '') : join('test', '.cache', 'cases');
  const words = [
    ...(who === 'refused' ? refusing : []),
    ...['env', `MINIFAL_ISOLATION=${mode}`, 'MINIFAL_CRASH_KILLS=20', 'node'],
    ...[...args, ...(part === 'cases' ? [ofCases] : [])],
  ];
  const began = Date.now();
  const log = join(logs, `${who}-${mode}-${part}.log`);
  const verdict = judge(...(await run(who, words, log)), who);
  cells.set(`${who} ${mode} ${part}`, verdict);
  const seconds = Math.round((Date.now() - began) / 1000);
  console.log(`${who} ${mode} ${part}: ${verdict.ok ? 'ok' : 'FAILED'} after ${seconds} s: ${verdict.text}`);
  if (values.out) writeFileSync(values.out, table());
}

function run(who, words, log) {
  const [command = '', ...args] = words;
  const other = who === 'root' ? undefined : user?.options(command, args);
  const [program = '', ...rest] = other ? other.through : words;
  const options = other ? { cwd: other.cwd, env: other.env } : { cwd: root };
  writeFileSync(log, '');
  return new Promise((resolve) => {
    const child = spawn(program, rest, { ...options, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (text) => {
        output += text;
        appendFileSync(log, text);
      });
    child.on('close', (code) => resolve([code ?? 1, output]));
  });
}

/** The bench's results for starts and for a call, without details. */
function figures(output) {
  return output
    .split('\n')
    .filter((line) => /loaded|1 connection +median|start, used/.test(line))
    .map((line) => line.trim().replace(/ +/g, ' '))
    .join('; ');
}

function table() {
  const rows = people.flatMap((who) =>
    modes.map((mode) => {
      const found = wanted.map((part) => cells.get(`${who} ${mode} ${part}`));
      const texts = found.map((cell) => (cell ? `${cell.ok ? '' : '**failed** '}${cell.text}` : ''));
      return `| ${who} | ${mode} | ${texts.join(' | ')} |`;
    }),
  );
  const head = ['who', 'mode', ...wanted];
  return [`| ${head.join(' | ')} |`, `|${' --- |'.repeat(head.length)}`, ...rows, ''].join('\n');
}
