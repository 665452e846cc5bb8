import { createInterface } from 'node:readline/promises';

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
  const stopped = new AbortController();
  terminal.on('SIGINT', () => stopped.abort());
  terminal.on('close', () => stopped.abort());
  const once = async (question: string) => {
    try {
      return await terminal.question(question, { signal: stopped.signal });
    } catch (error) {
      throw stopped.signal.aborted ? new Stopped() : error;
    }
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
