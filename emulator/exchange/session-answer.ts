import { z } from 'zod';

/** What a WebRTC app answers to an offer. */
export interface SessionAnswer {
  readonly sdp: string;
  readonly type: string;
}

const answer = z.object({ sdp: z.string().min(1), type: z.string().default('answer') });

/** Of an event stream without an end of its first event. */
const mostText = 1024 * 1024;

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
    return this.#text.length > mostText ? 'none' : undefined;
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
