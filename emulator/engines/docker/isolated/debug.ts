import type { Socket } from 'node:net';
import { basename } from 'node:path';
import type { RunnerSpec } from '../../engine.ts';
import { createDebugging, type Debugging } from '../../supervised/debugging.ts';
import type { RunnerCommand } from '../../supervised/messages.ts';
import type { IsolatedPython } from '../image.ts';
import { carryTo } from '../sockets.ts';

/** The port of the container at which its app reaches the debug adapter. */
const port = 4719;
const socketName = 'debug';
/** Where a container has the debuggers. */
const inside = '/minifal/debugpy';

/** Where debugpy is installed for the Pythons of images. */
export interface ImageDebuggers {
  /** Exists, and contains the folder of each; containers see it from their start. */
  readonly folder: string;
  /** The folder of debugpy for a Python that uv's options name. Rejects with a UserError. */
  readonly install: (pythonOptions: readonly string[]) => Promise<string>;
}

/** What a container needs so that its app can be debugged. */
export interface DebugRoom {
  readonly socketName: string;
  /** The argument of the container's first process (runner/first/forward.c). `run`: the folder of its sockets. */
  forward(run: string): string;
  readonly mounts: { readonly [target: string]: string };
  /** Takes a connection of the app: carried to the adapter of the debugger that was asked for, if there is one. */
  carry(socket: Socket): void;
}

/** Debuggers of the app in a container, whose only way to their adapters is a Unix socket. */
export function debugInContainer(deps: {
  readonly spec: RunnerSpec;
  readonly isolated: IsolatedPython;
  readonly debuggers: ImageDebuggers;
  readonly send: (command: RunnerCommand) => void;
  readonly isOver: () => boolean;
  readonly onState: Parameters<typeof createDebugging>[0]['onState'];
}): { readonly debugging: Debugging; readonly room: DebugRoom } {
  const { debuggers, isolated } = deps;
  let adapter: number | null = null;
  const debugging = createDebugging({
    ...deps,
    debugpy: async () => `${inside}/${basename(await debuggers.install(isolated.pythonOptions))}`,
    send(command) {
      if (command.op !== 'debug') return deps.send(command);
      adapter = command.port;
      deps.send({ ...command, port });
    },
    onState(state) {
      if (state === null) adapter = null;
      deps.onState(state);
    },
  });
  return {
    debugging: {
      ...debugging,
      reported(message) {
        // Its debugger ends, and then any program may get its port.
        if (message.state === 'failed') adapter = null;
        debugging.reported(message);
      },
    },
    room: {
      socketName,
      forward: (run) => `${port}=${run}/${socketName}`,
      mounts: { [inside]: debuggers.folder },
      carry(socket) {
        if (adapter === null) socket.destroy();
        else carryTo(adapter, socket);
      },
    },
  };
}
