/** What a line of output is in the traceback that its line of code prints (`traceback.print_exc`). */
type TracebackPart =
  /** No part of one. */
  | 'none'
  /** Says nothing by itself. */
  | 'inner'
  /** The exception, its last line: what a person looks for. */
  | 'exception'
  /** The same, of an exception that was raised while the one before it was handled. */
  | 'nextException'
  /** More of the exception's message, in a further line. */
  | 'rest';

interface State {
  readonly stage: 'frames' | 'ended' | 'chained';
  /** Not the first one of its traceback. */
  readonly isNext: boolean;
  /** Each of its lines has a margin, also its exception and those in it. */
  readonly isGroup: boolean;
}

/** More lines of code than this don't print tracebacks at the same time. */
const maxOpen = 200;
const header = /^\s*(\+ Exception Group )?Traceback \(most recent call last\):$/;
const inGroup = { frame: /^\s+\|\s{2}/, any: /^\s+[|+]/ };
const chained = /^(During handling of the above exception, another|The above exception was the direct cause of)/;

/** The text of an exception without the margin of a group. Pure. */
export function exceptionText(line: string): string {
  return line.replace(/^\s+\|\s/, '');
}

/** Recognises tracebacks in the output of lines of code, which comes line by line. */
export function createTracebacks() {
  const states = new Map<string, State>();

  function become(source: string, state: State): void {
    states.delete(source);
    states.set(source, state);
    for (const oldest of states.keys()) if (states.size > maxOpen) states.delete(oldest);
  }

  /**
   * @param source a line of code, in one runner and request
   * @param continues it was written at once with the line before it
   */
  return function partOf(source: string, text: string, continues = false): TracebackPart {
    const state = states.get(source);
    const begin = header.exec(text);
    if (begin) {
      become(source, { stage: 'frames', isNext: state?.stage === 'chained', isGroup: begin[1] !== undefined });
      return 'inner';
    }
    if (!state) return 'none';
    const isEmpty = text.trim() === '';
    if (state.stage === 'frames') {
      const isFrame = state.isGroup ? inGroup.frame.test(text) : /^\s/.test(text);
      if (isEmpty || isFrame) return 'inner';
      become(source, { ...state, stage: 'ended' });
      return state.isNext ? 'nextException' : 'exception';
    }
    if (isEmpty || (state.isGroup && inGroup.any.test(text))) return 'inner';
    if (state.stage === 'ended' && chained.test(text)) {
      become(source, { ...state, stage: 'chained' });
      return 'inner';
    }
    if (continues) return 'rest';
    states.delete(source);
    return 'none';
  };
}
