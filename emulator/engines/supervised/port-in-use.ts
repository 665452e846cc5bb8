import type { IsolationMode } from '../../wire/isolation.ts';

/** The wording of EADDRINUSE in Node, Go, Rust, Java and C libraries. */
const inUse = /\bEADDRINUSE\b|address (is )?already in use|AddrInUse/i;

/**
 * Advice if a line of a starting runner says that a server's port is taken; otherwise `null`. For runners without
 * addresses of their own. `mode`: the requested isolation mode.
 */
export function portInUse(line: string, mode: IsolationMode): string | null {
  if (!inUse.test(line)) return null;
  const recreate = 'deploy with `--strategy recreate`, which stops the old runner first';
  const next = mode === 'full' ? recreate : `start minifal with \`--isolation full\`, or ${recreate}`;
  return (
    'A server of this runner found its port in use. Runners have no addresses of their own here, so servers in ' +
    "other languages than Python share this machine's ports, even with the runner that is being replaced. " +
    `Next step: ${next}.`
  );
}
