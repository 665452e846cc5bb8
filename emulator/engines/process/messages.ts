import type { IsolationMode } from '../../wire/isolation.ts';
import type { Callable } from '../engine.ts';
import type { RunnerCommand } from '../supervised/messages.ts';

/** How a runner's process is created: a fork of the warm supervisor, or a Python process of its own. */
export type StartMethod = 'fork' | 'spawn';

/** Arguments of a supervisor's process. They contain no secrets, because `ps` shows them. */
export interface SupervisorConfig {
  readonly extraPaths: readonly string[];
  readonly preload: boolean;
  readonly isolation: IsolationMode;
  /** For a disk of its own: what a runner is shown of the machine. */
  readonly disk: {
    /** Hidden, with all its contents. */
    readonly dataFolder: string;
    /** Files and folders that are readable at their own path. */
    readonly shown: readonly string[];
    /** Folders that are writable at their own path. */
    readonly shared: readonly string[];
    /** Replaces /data/.cache/huggingface; if not writable, writes are private to the runner. */
    readonly huggingFace: { readonly path: string; readonly writable: boolean } | null;
    /** The folder for what programs compile for this environment; it outlives runners. */
    readonly compiled: string;
  };
  /** Servers of runners without addresses of their own may listen where other machines can reach them. */
  readonly mayBeOutside: boolean;
  /** An empty folder in which the supervisor tests once whether namespaces work here. */
  readonly probeDir: string;
}

/** The commands to a supervisor, one JSON object per line. */
export type Command =
  | {
      readonly op: 'start';
      readonly id: string;
      readonly startMethod: StartMethod;
      readonly mode: 'serve' | 'call';
      readonly callable: Callable;
      readonly setup?: Callable;
      readonly env: { readonly [name: string]: string };
      readonly appDir: string;
      readonly hasAppFiles: boolean;
      readonly dataDir: string;
      readonly mountPoint: string;
      /** A folder that is created for the runner's own disk. */
      readonly layerDir: string;
      /** Both sides see it at its own path. */
      readonly exchangeDir: string;
      /** The size limit of one file on the runner's own disk. */
      readonly maxBytes: number;
      readonly resultFile: string;
      readonly declaredPort: number;
      readonly declaredMetricsPort: number;
      readonly addresses: readonly string[];
      /** What the runner's servers require of every request (runner/inside/gate.py). */
      readonly secret: string;
      readonly development: boolean;
      /** It waits for a debugger before its code is loaded. */
      readonly debugger: boolean;
    }
  | RunnerCommand;
