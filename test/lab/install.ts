import { join } from 'node:path';
import { mustRun } from '../support/process.ts';

/** A browser for tests: headless, without a sandbox (tests run as root) and without telemetry. */
export const chromiumFlags: string[] = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** Programs that the tests of the editor need. */
export interface Lab {
  /** Node 24, which VS Code's server requires. */
  readonly node: string;
  /** `server-main.js` of a real VS Code. */
  readonly server: string;
  readonly chromium: string;
}

/**
 * Installs missing parts (minutes on a new machine, 0.1 s after that). Rejects with the list of what the user must
 * install.
 */
export async function installLab(): Promise<Lab> {
  const value = await installed([]);
  return { node: value('NODE'), server: value('SERVER'), chromium: value('CHROMIUM') };
}

/** Like `installLab`, but only for the browser. Resolves with its program. */
export async function installBrowser(): Promise<string> {
  return (await installed(['browser']))('CHROMIUM');
}

async function installed(args: readonly string[]): Promise<(name: string) => string> {
  const printed = await mustRun(join(import.meta.dirname, 'vscode-server.sh'), args, { timeoutMs: 900_000 });
  return (name) => {
    const found = new RegExp(`^${name}=(.+)$`, 'm').exec(printed)?.[1];
    if (!found) throw new Error(`vscode-server.sh printed no ${name}:\n${printed}`);
    return found;
  };
}
