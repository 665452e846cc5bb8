import type { DapMessage } from './dap.ts';

/**
 * The adapter of the session that debugs an app. It has no code of its own to stop: the sessions of the runners, which
 * come and go with them, are below it, and this one stays for as long as the person debugs.
 */
export function createRunAdapter(deps: {
  readonly send: (message: DapMessage) => void;
  readonly begin: () => void;
  readonly restart: () => void;
  /** The person ends the session. */
  readonly end: () => void;
}): { handle(message: DapMessage): void; terminated(restart?: boolean): void } {
  let seq = 0;
  const event = (name: string, body?: object): void =>
    deps.send({ seq: ++seq, type: 'event', event: name, ...(body ? { body } : {}) } as DapMessage);

  function handle({ type, command = '', seq: request_seq, arguments: given }: DapMessage): void {
    if (type !== 'request') return;
    const answer = (body: object | undefined, success = true): void =>
      deps.send({ ...{ seq: ++seq, type: 'response', request_seq, command, success }, ...{ body } } as DapMessage);
    switch (command) {
      case 'initialize':
        answer({ supportsConfigurationDoneRequest: true, supportsRestartRequest: true });
        return;
      case 'launch':
        answer(undefined);
        event('initialized');
        deps.begin();
        return;
      case 'setBreakpoints': {
        // The sessions of runners say which are.
        const all = Array.isArray(given?.breakpoints) ? given.breakpoints : [];
        answer({ breakpoints: all.map(() => ({ verified: false })) });
        return;
      }
      case 'threads':
        answer({ threads: [] });
        return;
      case 'configurationDone':
      case 'setExceptionBreakpoints':
        answer(undefined);
        return;
      case 'restart':
        answer(undefined);
        deps.restart();
        return;
      case 'disconnect':
        answer(undefined);
        deps.end();
        return;
      default:
        answer(undefined, false);
    }
  }

  return { handle, terminated: (restart = false) => event('terminated', restart ? { restart } : undefined) };
}
