import { Metadata, type ServiceError, status } from '@grpc/grpc-js';
import { describe, expect, it, onTestFinished } from 'vitest';
import { revisionDefaults } from '../../../catalog/scale-settings.ts';
import type { ExecIo } from '../../../engines/engine.ts';
import type { Runner } from '../../../scheduler/types.ts';
import { loadServices } from '../../../wire/services.ts';
import { slowPoll } from '../../testing/rooms.ts';
import { controlPlane } from '../testing/control-plane.ts';

/** The control plane, a fleet with one command, and a client whose messages the test sends. */
async function shell() {
  const plane = await controlPlane();
  const actions: unknown[] = [];
  const made: { io: ExecIo | undefined; room: boolean } = { io: undefined, room: true };
  plane.fleetPlan.exec = (id, io) => {
    if (id !== 'here') return undefined;
    made.io = io;
    return {
      write(bytes) {
        actions.push(Buffer.from(bytes).toString());
        return made.room;
      },
      closeInput: () => actions.push('close'),
      resize: (size) => actions.push(size),
      pause: () => actions.push('pause'),
      resume: () => actions.push('resume'),
      kill: () => actions.push('kill'),
    };
  };
  const definition = loadServices().controller.ShellRunner;
  if (!definition) throw new Error('no ShellRunner');
  const headers = new Metadata();
  for (const [name, value] of Object.entries(plane.credentials)) headers.set(name, value);
  const { path, requestSerialize, responseDeserialize } = definition;
  const call = plane.client().makeBidiStreamRequest(path, requestSerialize, responseDeserialize, headers);
  onTestFinished(() => call.cancel());
  const messages: object[] = [];
  // Without the loader's markers of optional fields.
  call.on('data', ({ _stream, _exit_code, ...message }) => messages.push(message));
  const end = new Promise<{ code: status; details: string }>((resolve) => {
    call.on('error', ({ code, details }: ServiceError) => resolve({ code, details }));
    call.on('status', resolve);
  });
  /** The command's own end of the session, once it runs. */
  async function command(): Promise<ExecIo> {
    await expect.poll(() => made.io, slowPoll).toBeDefined();
    if (!made.io) throw new Error('no command');
    return made.io;
  }
  return { plane, actions, made, call, messages, end, command };
}

const data = (text: string) => Buffer.from(text);

describe('ShellRunner', () => {
  it('opens a login shell on a terminal unless requested otherwise', async () => {
    const { plane, call, command } = await shell();
    call.write({ runner_id: 'here' });
    await command();
    expect(plane.calls).toEqual([{ method: 'exec', args: ['here', null, { tty: true }] }]);
  });

  it('passes on command, input, sizes and end in order, and answers with both streams and the exit code', async () => {
    const { plane, actions, call, messages, end, command } = await shell();
    call.write({ runner_id: 'here', command: ['ls', '-l'], tty: false });
    call.write({ tty_size: { height: 40, width: 132 } });
    call.write({ data: data('typed') });
    call.write({ close: true });
    const io = await command();
    await expect.poll(() => actions, slowPoll).toEqual([{ rows: 40, columns: 132 }, 'typed', 'close']);
    expect(plane.calls[0]?.args).toEqual(['here', ['ls', '-l'], { tty: false }]);
    io.output(1, data('out'));
    io.output(2, data('err'));
    io.exited(0);
    expect((await end).code).toBe(status.OK);
    expect(messages).toEqual([{ data: data('out'), stream: 1 }, { data: data('err'), stream: 2 }, { exit_code: 0 }]);
    expect(actions).not.toContain('kill');
  });

  it("continues after the client's half-close, which ends the input only without a terminal", async () => {
    for (const tty of [true, false]) {
      const { actions, call, messages, end, command } = await shell();
      call.write({ runner_id: 'here', tty });
      call.write({ data: data('exit\n') });
      call.end();
      const io = await command();
      await expect.poll(() => actions, slowPoll).toEqual(tty ? ['exit\n'] : ['exit\n', 'close']);
      io.output(1, data('late'));
      io.exited(3);
      expect((await end).code).toBe(status.OK);
      expect(messages).toEqual([{ data: data('late'), stream: 1 }, { exit_code: 3 }]);
    }
  });

  it('kills the command when the client leaves', async () => {
    const { actions, call, command } = await shell();
    call.write({ runner_id: 'here', command: ['sleep', '9'] });
    const io = await command();
    call.cancel();
    await expect.poll(() => actions, slowPoll).toContain('kill');
    io.exited(137);
  });

  it('reports why when the command ends with its runner', async () => {
    for (const tty of [true, false]) {
      const { plane, call, messages, end, command } = await shell();
      const record = { id: 'here', alias: 'greet', revision: 'rev', machineType: 'S', startedAt: 0 };
      plane.runnerHistory.started(record);
      for (const [state, reason] of [
        ['IDLE', 'The last request finished.'],
        ['TERMINATING', 'The runner belongs to a replaced revision.'],
        ['TERMINATED', 'The runner ended by SIGTERM, as requested.'],
      ] as const)
        plane.runnerHistory.transition('here', { at: 1, state, reason });
      call.write({ runner_id: 'here', tty });
      (await command()).exited(137, true);
      expect((await end).code).toBe(status.OK);
      const sentence = 'minifal: The runner belongs to a replaced revision. This command has ended with its runner.';
      expect(messages).toEqual([
        { data: data(tty ? `\r\n${sentence}\r\n` : `${sentence}\n`), stream: tty ? 1 : 2 },
        { exit_code: 137 },
      ]);
    }
  });

  it('stops reading while the command does not, and pauses the command while the client does not read', async () => {
    const { actions, made, call, command } = await shell();
    call.write({ runner_id: 'here' });
    const io = await command();
    made.room = false;
    call.write({ data: data('one') });
    await expect.poll(() => actions, slowPoll).toEqual(['one']);
    call.write({ data: data('two') });
    call.pause();
    // More than the connection's flow-control windows hold.
    for (let n = 0; n < 200; n++) io.output(1, Buffer.alloc(64 * 1024));
    expect(actions.slice(0, 2)).toEqual(['one', 'pause']);
    expect(actions).not.toContain('two');
    made.room = true;
    io.drained();
    await expect.poll(() => actions, slowPoll).toContain('two');
    expect(actions).not.toContain('resume');
    call.resume();
    await expect.poll(() => actions, slowPoll).toContain('resume');
  });

  it('refuses a runner that is unknown, has ended, or has no process yet', async () => {
    const runner = (id: string, state: Runner['state']): Runner => ({
      ...{ id, alias: 'greet', revision: 'rev', createdAt: 0, used: true, replacement: 'none', hints: null },
      settings: revisionDefaults,
      state,
    });
    for (const [id, code] of [
      ['nobody', status.NOT_FOUND],
      ['ended', status.NOT_FOUND],
      ['pending', status.FAILED_PRECONDITION],
      ['failing', status.FAILED_PRECONDITION],
    ] as const) {
      const { plane, call, end } = await shell();
      plane.runners.push(runner('ended', { kind: 'terminated', at: 0, why: 'stopped' }));
      plane.runners.push(runner('pending', { kind: 'pending', since: 0, deadline: 1 }));
      plane.runners.push(runner('failing', { kind: 'failureDelay', since: 0, retryAt: 1, failures: 1 }));
      plane.fleetPlan.lastFailure = 'its disk is full.';
      call.write({ runner_id: id });
      const { code: got, details } = await end;
      expect([got, details]).toEqual([code, expect.stringContaining(code === status.NOT_FOUND ? 'not found' : id)]);
      expect(details.endsWith(' The last start failed: its disk is full.')).toBe(id === 'failing');
    }
  });

  it('refuses a stream without a runner, and a size that no terminal has', async () => {
    const empty = await shell();
    empty.call.end();
    expect((await empty.end).code).toBe(status.NOT_FOUND);
    const wrong = await shell();
    wrong.call.write({ runner_id: 'here' });
    wrong.call.write({ tty_size: { height: 70_000, width: 1 } });
    expect((await wrong.end).code).toBe(status.INVALID_ARGUMENT);
    expect(wrong.actions).toContain('kill');
    expect(wrong.plane.reported).toEqual([]);
  });
});
