import { z } from 'zod';
import type { Answer } from './answers.ts';
import type { Sink } from './direct.ts';
import type { HeaderList } from './headers.ts';

/** What a WebRTC app answers to an offer. */
interface SessionAnswer {
  readonly sdp: string;
  readonly type: string;
}

const answer = z.object({ sdp: z.string().min(1), type: z.string().default('answer') });

/** The limit for an event stream whose first event doesn't end. */
const maxText = 1024 * 1024;

/**
 * Reads the SDP answer from the body of `/start-session`: the first event of the stream that has data
 * (fal/wma/sdk.py). Comments and events without data may come before it.
 */
export class AnswerReader {
  #text = '';
  readonly #decoder = new TextDecoder();

  /** `undefined`: not yet. `'none'`: this stream begins with something else. */
  read(chunk: Uint8Array): SessionAnswer | 'none' | undefined {
    this.#text += this.#decoder.decode(chunk, { stream: true });
    for (let end = blankLine.exec(this.#text); end; end = blankLine.exec(this.#text)) {
      const data = dataOf(this.#text.slice(0, end.index));
      this.#text = this.#text.slice(end.index + end[0].length);
      if (data !== undefined) return parse(data);
    }
    return this.#text.length > maxText ? 'none' : undefined;
  }
}

const blankLine = /(\r\n|\n|\r)(\r\n|\n|\r)/;

function dataOf(event: string): string | undefined {
  const lines = event
    .split(/\r\n|\n|\r/)
    .filter((line) => line.startsWith('data:'))
    .map((line) => line.slice('data:'.length).replace(/^ /, ''));
  return lines.length > 0 ? lines.join('\n') : undefined;
}

function parse(data: string): SessionAnswer | 'none' {
  try {
    return answer.parse(JSON.parse(data));
  } catch {
    return 'none';
  }
}

/** How much of an app's error is kept, to show why the session failed. */
const maxErrorBytes = 64 * 1024;

/**
 * Extracts the answer from the stream; an error is returned unchanged. What follows only shows that the session is
 * alive.
 */
export function answerSink(on: {
  readonly answered: (answer: SessionAnswer) => void;
  readonly refused: (answer: Answer) => void;
  readonly unreadable: () => void;
}): Sink {
  const reader = new AnswerReader();
  let isAnswered = false;
  let failure: { readonly status: number; readonly headers: HeaderList } | undefined;
  const chunks: Buffer[] = [];
  let size = 0;
  return {
    start(status, headers) {
      if (status >= 300) failure = { status, headers: headers.filter(([name]) => name !== 'content-length') };
    },
    write(chunk) {
      if (failure) {
        size += chunk.length;
        if (size <= maxErrorBytes) chunks.push(chunk);
      } else if (!isAnswered) {
        const answer = reader.read(chunk);
        if (answer === 'none') on.unreadable();
        else if (answer) {
          isAnswered = true;
          on.answered(answer);
        }
      }
      return undefined;
    },
    end() {
      if (failure) on.refused({ ...failure, body: Buffer.concat(chunks) });
    },
    refuse: on.refused,
    cut: () => undefined,
  };
}
