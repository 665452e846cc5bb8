import type { NodeProgram } from '../node.ts';
import type { FalProgram } from './run-helpers.ts';

/** How a run follows the saves of its files; `undefined` of it: the run keeps the code with which it began. */
export interface HotReload {
  /** Whether the running app may be changed in place. */
  readonly swaps: boolean;
  /** Whether a fresh runner answers the first request after that, too. */
  readonly audits: boolean;
  /** `faithful`: its runners come and go as if it were deployed. */
  readonly scaling: 'pinned' | 'faithful';
  /** Globs of files that don't reload it. */
  readonly ignored: readonly string[];
}

/** Orders for a run that reloads, as lines of its standard input. */
export const restartOrder = JSON.stringify({ op: 'restart' });
export const ignoreOrder = (glob: string): string => JSON.stringify({ op: 'ignore', glob });

/** `minifal run --watch` for `fal run` of an app. Pure. */
export function watchedRun(
  { ref, cwd, env }: { readonly ref: string } & Pick<FalProgram, 'cwd' | 'env'>,
  tools: {
    readonly node: NodeProgram;
    /** `dist/minifal.mjs`. */
    readonly bundle: string;
    readonly python: string;
    readonly dataFolder: string;
  },
  { swaps, audits, scaling, ignored }: HotReload,
  /** Its runners wait for a debugger before they load the app. */
  isDebugged = false,
): FalProgram {
  const { node, bundle, python, dataFolder } = tools;
  const options = [
    ...['--watch', '--orders', '--data', dataFolder, '--python', python],
    ...(isDebugged ? ['--debug'] : []),
    ...(swaps ? [] : ['--no-swap']),
    ...(swaps && audits ? ['--audit'] : []),
    ...(scaling === 'pinned' ? [] : ['--scaling', scaling]),
    ...ignored.flatMap((glob) => ['--ignore', glob]),
  ];
  return {
    command: node.command,
    args: [bundle, 'run', ...options, '--', ref],
    cwd,
    env: { ...env, ...node.env },
    takesOrders: true,
  };
}
