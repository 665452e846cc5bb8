import { join } from 'node:path';
import { mustRun } from '../support/process.ts';

/** A browser for tests: no window, no sandbox (tests run as root), and no calls home. */
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
  /** Node 24, which VS Code's server wants. */
  readonly node: string;
  /** `server-main.js` of a real VS Code. */
  readonly server: string;
  readonly chromium: string;
}

/**
 * Installs what is missing (minutes on a new machine, 0.1 s after that). Rejects with what the person has to install.
 */
export async function installLab(): Promise<Lab> {
  const told = await mustRun(join(import.meta.dirname, 'vscode-server.sh'), [], { timeoutMs: 900_000 });
  const value = (name: string): string => {
    const found = new RegExp(`^${name}=(.+)$`, 'm').exec(told)?.[1];
    if (!found) throw new Error(`vscode-server.sh did not say ${name}:\n${told}`);
    return found;
  };
  return { node: value('NODE'), server: value('SERVER'), chromium: value('CHROMIUM') };
}
