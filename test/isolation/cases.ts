// `node test/isolation/cases.ts FOLDER [--only NAME]`: runs cases against an emulator of its own, in the mode that
// MINIFAL_ISOLATION names. A case is a folder with an app and a run.sh, which exits with 0 when the answer is right. It
// gets the variables of `minifal env`, fal's tools on PATH, MINIFAL (for a case that starts an emulator itself) and
// INDEX_HOSTS.
import { cpSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { isolationArgs, minifalCommand, startEmulator } from '../support/emulator.ts';
import { mustRun, type Running, run, start } from '../support/process.ts';
import { pythonTools } from '../support/python.ts';

const patienceMs = 900_000;
const { values, positionals } = parseArgs({ allowPositionals: true, options: { only: { type: 'string' } } });
const [source] = positionals;
if (!source) throw new Error('cases.ts needs the folder of the cases.');
const work = mkdtempSync(join(tmpdir(), 'minifal-cases-'));
const copy = join(work, 'cases');
// Runs on a copy, so that files that the cases write don't end up in their folder.
cpSync(resolve(source), copy, { recursive: true });
await mustRun('chmod', ['-R', 'u+w', copy]);
const command = join(work, 'minifal.mjs');
writeFileSync(
  command,
  `if (process.argv[2] === 'start') process.argv.push(...${JSON.stringify(isolationArgs())});\n` +
    `process.argv[1] = ${JSON.stringify(minifalCommand)};\nawait import(process.argv[1]);\n`,
);

const tools = await pythonTools();
const emulator = await startEmulator();
const env = {
  ...tools.env(emulator.env),
  PATH: [dirname(process.execPath), tools.env(emulator.env).PATH].join(':'),
  MINIFAL: command,
  INDEX_HOSTS: await indexHosts(),
};
const failed: string[] = [];
const names = readdirSync(copy, { withFileTypes: true })
  .filter((entry) => entry.isDirectory() && (values.only === undefined || entry.name.startsWith(values.only)))
  .map((entry) => entry.name)
  .sort();
try {
  for (const name of names) {
    const running = start('bash', ['run.sh'], { cwd: join(copy, name), env });
    const late = setTimeout(() => void giveUp(running), patienceMs);
    const { code, stdout, stderr } = await running.finished;
    clearTimeout(late);
    console.log(`${name}: ${code === 0 ? 'passed' : `ended with ${code}\n${stdout}${stderr}`}`);
    if (code !== 0) failed.push(name);
  }
} finally {
  await emulator.stop();
  rmSync(work, { recursive: true, force: true });
}
console.log(
  `${names.length - failed.length} passed, ${failed.length} failed${failed.map((name) => ` ${name}`).join('')}`,
);
process.exit(failed.length > 0 || names.length === 0 ? 1 : 0);

/** Prints the status while the case waits, and ends the case. */
async function giveUp(running: Running): Promise<void> {
  const { stdout } = await run(process.execPath, [minifalCommand, 'status', '--data', emulator.dataDir]);
  const processes = await run('ps', ['-eo', 'pid,ppid,etimes,stat,wchan:20,args', '--forest']);
  const log = await readFile(join(emulator.dataDir, 'emulator.log'), 'utf8');
  console.log(`${emulator.logText()}\n${stdout}\n${log.slice(-5_000)}\n${processes.stdout}`);
  running.signal('SIGABRT');
  setTimeout(() => running.signal('SIGKILL'), 2_000).unref();
}

/** The hosts of pip's index, separated by commas. */
async function indexHosts(): Promise<string> {
  const { stdout } = await run('python3', ['-m', 'pip', 'config', 'get', 'global.index-url']);
  const index = stdout.trim();
  return URL.canParse(index) ? new URL(index).hostname : 'pypi.org,files.pythonhosted.org';
}
