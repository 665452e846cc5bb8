import type { Report } from '../../../local/loop/contain.ts';
import type { IsolationMode } from '../../../wire/isolation.ts';
import type { RunnerEvents, RunnerSpec } from '../../engine.ts';
import type { RunnerFolder } from '../disk/folder.ts';
import type { LayerSizes } from '../disk/layer-sizes.ts';
import type { Command, StartMethod } from '../messages.ts';
import type { Shells } from '../shell/shell.ts';
import type { Virtualenv } from '../virtualenv.ts';

/** What one runner consists of and may use. */
export interface RunnerDeps {
  readonly spec: RunnerSpec<Virtualenv>;
  readonly events: RunnerEvents;
  readonly folder: RunnerFolder;
  /** The machine's variables; `env` includes them. */
  readonly machine: { readonly [name: string]: string };
  readonly env: { readonly [name: string]: string };
  readonly shells: Shells;
  readonly addresses: readonly string[];
  readonly clock: () => number;
  readonly report: Report;
  readonly startMethod: () => StartMethod;
  /** Forked processes of this environment crash: use `spawn` from now on. */
  readonly avoidFork: () => void;
  readonly send: (command: Command) => void;
  /**
   * The isolation mode, if servers of the runner that aren't Python's use the machine's addresses; otherwise `null`.
   */
  readonly sharesPorts: () => IsolationMode | null;
  readonly layerSizes: LayerSizes;
  /** Keeps the bytecode that the runner wrote to the folder of its environment. */
  readonly keepBytecode: (upper: string) => Promise<void>;
  /** Removes the runner's folder. */
  readonly remove: (path: string) => Promise<void>;
  /** The folder of debugpy for this Python, installed if it isn't there. Rejects with a UserError. */
  readonly debugpy: (python: string) => Promise<string>;
  readonly onExited: () => void;
}
