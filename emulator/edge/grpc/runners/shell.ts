import type { ServerDuplexStream } from '@grpc/grpc-js';
import type { z } from 'zod';
import type { ExecIo, ExecSession } from '../../../engines/engine.ts';
import { printableLines } from '../../../local/printable.ts';
import type { GrpcDeps } from '../deps.ts';
import { failedPrecondition, notFound, toStatus } from '../rpc-error.ts';
import { shellInputSchema } from './schemas.ts';

type Input = z.output<typeof shellInputSchema>;
const endStates: readonly string[] = ['DRAINING', 'TERMINATING', 'TERMINATED'];
/** Sizes as reported by the terminal; the default is 24 x 80. */
const sizeOf = ({ tty_size: size }: Input) => size && { rows: size.height, columns: size.width };

/**
 * ShellRunner (docs/platform/control-plane.md#shellrunner): the first message names runner and command, later ones
 * carry input. The answer is the command's output, then its exit code in a separate message. At a terminal, the
 * client's half-close ends nothing; if the client disconnects, the command is killed. Neither side is read faster than
 * the other one accepts data.
 */
export function shellRunner({ fleet, runnerHistory, report }: Pick<GrpcDeps, 'fleet' | 'runnerHistory' | 'report'>) {
  return (call: ServerDuplexStream<unknown, object>): void => {
    let session: ExecSession | undefined;
    let tty = true;
    let id = '';
    let over = false;

    function leave(): void {
      if (over) return;
      over = true;
      session?.kill();
    }

    function fail(error: unknown): void {
      if (over) return;
      leave();
      call.emit('error', toStatus(error, report));
    }

    const io: ExecIo = {
      output(stream, data) {
        if (!over && !call.write({ stream, data })) session?.pause();
      },
      drained: () => void call.resume(),
      exited(code, withRunner) {
        if (over) return;
        over = true;
        if (withRunner) call.write({ stream: tty ? 1 : 2, data: Buffer.from(goodbye(endOf(runnerHistory, id), tty)) });
        // Data in the same message as the exit code would be lost.
        call.write({ exit_code: code });
        call.end();
      },
    };

    function open(first: Input): ExecSession {
      id = first.runner_id ?? '';
      tty = first.tty ?? true;
      const size = sizeOf(first);
      const command = first.command.length > 0 ? first.command : null;
      const opened = fleet.exec(id, command, { tty, ...(size ? { size } : {}) }, io);
      if (opened) return opened;
      const runner = fleet.runner(id);
      if (runner === undefined || runner.state.kind === 'terminated') throw notFound(`Runner ${id} not found.`);
      const failure = runner.state.kind === 'failureDelay' ? fleet.lastFailure(runner.alias) : null;
      throw failedPrecondition(
        `Runner ${id} has no process yet; try again when \`fal runners list\` shows it in SETUP.` +
          (failure === null ? '' : ` The last start failed: ${failure}`),
      );
    }

    function take(input: Input): void {
      const isFirst = session === undefined;
      session ??= open(input);
      const size = sizeOf(input);
      if (size && !isFirst) session.resize(size);
      if (input.data && input.data.length > 0 && !session.write(input.data)) call.pause();
      if (input.close) session.closeInput();
    }

    call.on('data', (message) => {
      if (over) return;
      try {
        take(shellInputSchema.parse(message));
      } catch (error) {
        fail(error);
      }
    });
    call.on('end', () => {
      if (!session) fail(notFound('The first message must contain runner_id.'));
      else if (!tty) session.closeInput();
    });
    call.on('drain', () => session?.resume());
    call.on('cancelled', leave);
    call.on('close', leave);
    call.on('error', leave);
  };
}

/** Why the runner ended: the platform's decision explains more than how its process ended. */
function endOf({ transitions }: GrpcDeps['runnerHistory'], id: string): string | null {
  const ends = transitions(id).filter(({ state, reason }) => endStates.includes(state) && reason !== null);
  return ends[0]?.reason ?? null;
}

/** A terminal is in raw mode, and its cursor may be anywhere. */
function goodbye(why: string | null, tty: boolean): string {
  const newLine = tty ? '\r\n' : '\n';
  const sentence = printableLines(`minifal: ${why === null ? '' : `${why} `}This command has ended with its runner.`);
  return `${tty ? newLine : ''}${sentence.replaceAll('\n', newLine)}${newLine}`;
}
