import { execFile } from 'node:child_process';
import { Problem } from '../problem.ts';
import { t } from '../words.ts';

/** A Node that can run the emulator. */
export interface NodeProgram {
  readonly command: string;
  /** Added to the child's environment. */
  readonly env: { readonly [name: string]: string };
}

/** Resolves with the program's standard output; rejects if it fails or is missing. */
export type Exec = (
  command: string,
  args: readonly string[],
  env: { readonly [name: string]: string | undefined },
) => Promise<string>;

const question = "require('node:sqlite'); process.stdout.write(process.versions.node)";

/**
 * The editor's own Node when it can run the emulator (some Electron builds lack `node:sqlite`, older ones are too old),
 * otherwise the `node` on PATH. Each is started once to check it.
 * @throws Problem if neither is usable
 */
export async function findNode(deps: {
  readonly execPath: string;
  readonly env: { readonly [name: string]: string | undefined };
  readonly exec: Exec;
}): Promise<NodeProgram> {
  const candidates: readonly NodeProgram[] = [
    { command: deps.execPath, env: { ELECTRON_RUN_AS_NODE: '1' } },
    { command: 'node', env: {} },
  ];
  for (const node of candidates) {
    const version = await deps.exec(node.command, ['-e', question], { ...deps.env, ...node.env }).catch(() => '');
    if (isNewEnough(version)) return node;
  }
  throw new Problem(
    t('The emulator needs Node.js 22.13 or newer, which neither this editor nor PATH provides.'),
    'howToInstallNode',
  );
}

function isNewEnough(version: string): boolean {
  const [, major, minor] = /^(\d+)\.(\d+)/.exec(version) ?? [];
  return Number(major) > 22 || (Number(major) === 22 && Number(minor) >= 13);
}

/** `Exec` on this machine, with a time limit, so that a broken interpreter doesn't block the user. */
export const execProgram: Exec = (command, args, env) =>
  new Promise((resolve, reject) => {
    execFile(command, [...args], { env: { ...env }, timeout: 20_000 }, (error, stdout) => {
      if (error) reject(error);
      else resolve(stdout);
    });
  });
