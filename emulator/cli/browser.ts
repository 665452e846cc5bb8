import { spawn } from 'node:child_process';

/** How long a program that opens addresses may take to report that it can't. */
const patienceMs = 3_000;

/**
 * Opens an address in the user's browser. Returns `false` when there is none, such as in a shell of another machine.
 * Other users of the machine can see the address among the arguments of processes: what is secret in it must work once
 * only.
 */
export async function openInBrowser(url: string, env: NodeJS.ProcessEnv): Promise<boolean> {
  const program = openerOf(env, process.platform);
  if (program === undefined) return false;
  return new Promise((resolve) => {
    const child = spawn(program, [url], { detached: true, stdio: 'ignore' });
    // Some are the browser itself, and stay.
    const running = setTimeout(() => resolve(true), patienceMs);
    child.once('error', () => {
      clearTimeout(running);
      resolve(false);
    });
    child.once('exit', (code) => {
      clearTimeout(running);
      resolve(code === 0);
    });
    child.unref();
  });
}

/** `BROWSER` is set by the terminals of editors that run elsewhere, too. Pure. */
export function openerOf(env: NodeJS.ProcessEnv, platform: NodeJS.Platform): string | undefined {
  if (env.BROWSER) return env.BROWSER;
  if (platform === 'darwin') return 'open';
  return env.DISPLAY || env.WAYLAND_DISPLAY ? 'xdg-open' : undefined;
}
