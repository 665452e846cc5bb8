import { on } from 'node:events';
import { createInterface } from 'node:readline';

/** Questions to the user at the terminal. */
export interface Questions {
  /** The answer, without blanks around it; `fallback` if it is empty. Asks again while there is an objection. */
  ask(question: string, fallback: string, objection: (answer: string) => string | undefined): Promise<string>;
  end(): void;
}

/** Ctrl+C, Ctrl+D or the end of the terminal at a question. */
export class Stopped extends Error {}

export function atTerminal(): Questions {
  const terminal = createInterface({ input: process.stdin, output: process.stdout });
  // Lines that were typed or pasted before their question wait for it.
  const lines = on(terminal, 'line', { close: ['close'] });
  let [isStopped, isClosed] = [false, false];
  terminal.on('close', () => {
    isClosed = true;
  });
  terminal.on('SIGINT', () => {
    isStopped = true;
    terminal.close();
  });
  const once = async (question: string): Promise<string> => {
    terminal.setPrompt(question);
    if (!isClosed) terminal.prompt();
    const { value, done } = await lines.next();
    if (isStopped || done) throw new Stopped();
    return String(value[0]);
  };
  return {
    async ask(question, fallback, objection) {
      for (;;) {
        const answer = (await once(`${question} (${fallback}): `)).trim() || fallback;
        const why = objection(answer);
        if (why === undefined) return answer;
        process.stdout.write(`${why}\n`);
      }
    },
    end: () => terminal.close(),
  };
}
