const [quote, backslash, space, zero, nine] = [0x22, 0x5c, 0x20, 0x30, 0x39];
const [comma, colon, minus, point] = [0x2c, 0x3a, 0x2d, 0x2e];
const [list, endOfList, object, endOfObject] = [0x5b, 0x5d, 0x7b, 0x7d];
const escapable: ReadonlySet<number> = new Set(Buffer.from('"\\/bfnrt'));
const literals: ReadonlyMap<number, string> = new Map(
  ['true', 'false', 'null'].map((word) => [word.charCodeAt(0), word.slice(1)]),
);

type State =
  /** Between values: what may come next. */
  | 'value'
  | 'first of list'
  | 'first key'
  | 'key'
  | 'colon'
  | 'comma'
  /** Inside a value: what was read of it. */
  | 'string'
  | 'escape'
  | 'word'
  | 'minus'
  | 'zero'
  | 'digits'
  | 'point'
  | 'fraction'
  | 'e'
  | 'sign'
  | 'exponent';
const wholeNumbers: ReadonlySet<State> = new Set(['zero', 'digits', 'fraction', 'exponent']);

/**
 * Checks whether bytes that arrive in pieces are JSON (RFC 8259, as `JSON.parse` accepts it), without creating a value:
 * the value of a large text takes thirty times its size, and a full heap ends the process, even if the heap is a
 * thread's. The check keeps one bit for each open list and object. It doesn't check whether the bytes are UTF-8.
 */
export class JsonCheck {
  /** Values and keys that have begun so far. */
  values = 0;
  #state: State = 'value';
  #isKey = false;
  /** The missing rest of a word. */
  #rest = '';
  /** How many digits of a `\u` escape are missing. */
  #hex = 0;
  /** The open lists and objects, the innermost last; a set bit is an object. */
  #open = new Uint8Array(8);
  #depth = 0;

  /** `false`: the bytes are not JSON, whatever follows. */
  push(bytes: Uint8Array): boolean {
    for (let at = 0; at < bytes.length; at += 1) {
      if (this.#state === 'string' && this.#hex === 0) at = endOfPlain(bytes, at);
      const byte = bytes[at];
      if (byte !== undefined && !this.#take(byte)) return false;
    }
    return true;
  }

  /** Whether the bytes so far are one complete value. */
  end(): boolean {
    return this.#depth === 0 && (this.#state === 'comma' || wholeNumbers.has(this.#state));
  }

  #take(byte: number): boolean {
    switch (this.#state) {
      case 'string':
        return this.#inString(byte);
      case 'escape':
        if (byte === 0x75) this.#hex = 4;
        return this.#to('string', byte === 0x75 || escapable.has(byte));
      case 'word': {
        const isNext = this.#rest.charCodeAt(0) === byte;
        this.#rest = this.#rest.slice(1);
        return this.#to(this.#rest === '' ? 'comma' : 'word', isNext);
      }
      case 'minus':
        return this.#to(byte === zero ? 'zero' : 'digits', isDigit(byte));
      case 'point':
        return this.#to('fraction', isDigit(byte));
      case 'e':
        if (byte === 0x2b || byte === minus) return this.#to('sign');
        return this.#to('exponent', isDigit(byte));
      case 'sign':
        return this.#to('exponent', isDigit(byte));
      case 'zero':
      case 'digits':
      case 'fraction':
      case 'exponent':
        return this.#inNumber(this.#state, byte);
      default:
        return isBlank(byte) || this.#between(this.#state, byte);
    }
  }

  #inString(byte: number): boolean {
    if (this.#hex > 0) {
      this.#hex -= 1;
      return isHex(byte);
    }
    if (byte === backslash) return this.#to('escape');
    if (byte === quote) return this.#to(this.#isKey ? 'colon' : 'comma');
    return byte >= space;
  }

  #inNumber(state: State, byte: number): boolean {
    if (isDigit(byte) && state !== 'zero') return true;
    if (byte === point && (state === 'zero' || state === 'digits')) return this.#to('point');
    if ((byte | 0x20) === 0x65 && state !== 'exponent') return this.#to('e');
    this.#state = 'comma';
    return this.#take(byte);
  }

  #between(state: State, byte: number): boolean {
    switch (state) {
      case 'colon':
        return this.#to('value', byte === colon);
      case 'comma':
        if (byte === comma && this.#depth > 0) return this.#to(this.#isInObject() ? 'key' : 'value');
        return this.#close(byte);
      case 'first key':
        if (byte === endOfObject) return this.#close(byte);
        break;
      case 'first of list':
        if (byte === endOfList) return this.#close(byte);
        break;
    }
    this.#isKey = state === 'key' || state === 'first key';
    this.values += 1;
    if (byte === quote) return this.#to('string');
    return !this.#isKey && this.#beginValue(byte);
  }

  #beginValue(byte: number): boolean {
    const word = literals.get(byte);
    if (word !== undefined) {
      this.#rest = word;
      return this.#to('word');
    }
    if (byte === list || byte === object) {
      this.#enter(byte === object);
      return this.#to(byte === object ? 'first key' : 'first of list');
    }
    if (byte === minus) return this.#to('minus');
    return this.#to(byte === zero ? 'zero' : 'digits', isDigit(byte));
  }

  #to(state: State, isRight = true): boolean {
    this.#state = state;
    return isRight;
  }

  #enter(isObject: boolean): void {
    const at = this.#depth >> 3;
    if (at === this.#open.length) {
      const larger = new Uint8Array(2 * at);
      larger.set(this.#open);
      this.#open = larger;
    }
    const bit = 1 << (this.#depth & 7);
    const before = this.#open[at] ?? 0;
    this.#open[at] = isObject ? before | bit : before & ~bit;
    this.#depth += 1;
  }

  #isInObject(): boolean {
    const innermost = this.#depth - 1;
    return (((this.#open[innermost >> 3] ?? 0) >> (innermost & 7)) & 1) === 1;
  }

  #close(byte: number): boolean {
    if (this.#depth === 0 || byte !== (this.#isInObject() ? endOfObject : endOfList)) return false;
    this.#depth -= 1;
    return this.#to('comma');
  }
}

/** The position of the first byte that ends a string, begins an escape, or is not allowed in a string. */
function endOfPlain(bytes: Uint8Array, from: number): number {
  let at = from;
  for (let byte = bytes[at] ?? 0; byte >= space && byte !== quote && byte !== backslash; byte = bytes[at] ?? 0) at += 1;
  return at;
}

function isBlank(byte: number): boolean {
  return byte === space || byte === 0x0a || byte === 0x0d || byte === 0x09;
}

function isDigit(byte: number): boolean {
  return byte >= zero && byte <= nine;
}

function isHex(byte: number): boolean {
  const lower = byte | 0x20;
  return isDigit(byte) || (lower >= 0x61 && lower <= 0x66);
}

/** A byte order mark may precede JSON, but not occur within it. */
export function withoutMark(body: Uint8Array): Uint8Array {
  return body[0] === 0xef && body[1] === 0xbb && body[2] === 0xbf ? body.subarray(3) : body;
}
