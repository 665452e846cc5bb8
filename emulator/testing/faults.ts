import type { contain } from '../local/loop/contain.ts';

/**
 * For tests: makes any function of a room throw once. `watch` wraps the functions of a value, and whatever functions go
 * in and out of those when they are called: callbacks, handles, what unsubscribes. Each has a name made of the way to
 * it. Of a function with a guard (local/loop/contain.ts) it is what the guard holds that throws.
 */
export interface Faults {
  watch<T>(name: string, value: T): T;
  /** Stands in for the guard of local/loop/contain.ts, which it is given. */
  guard(real: typeof contain): typeof contain;
  /** The next call of this function that concerns the victim throws. */
  arm(name: string): void;
  /** The error of the fault that was armed last; `undefined`: it has not been thrown yet. */
  thrown(): Error | undefined;
  /**
   * Names of the functions that were called for the victim since this was asked last, in the order of their first
   * calls.
   */
  called(): readonly string[];
  /** Names of all functions that were handed over, called or not. */
  known(): readonly string[];
}

type Run = (...args: never[]) => unknown;

/** What is known of a function with a guard. */
interface Guarded {
  /** Where it was made, until it is handed over. */
  name: string;
  inherited: boolean;
}

/**
 * @param victim what begins the names of apps that may suffer. A call concerns it when one of its arguments names such
 *   an app, or the id of a request or runner that was seen together with its name, or when the function was handed over
 *   in such a call.
 * @param alone names of functions that are called for the victim alone
 */
export function createFaults(victim: string, alone: RegExp): Faults {
  const ids = new Set<string>();
  const called = new Set<string>();
  const known = new Set<string>();
  const guarded = new WeakMap<object, Guarded>();
  let armed: string | undefined;
  let thrown: Error | undefined;

  function concerns(value: unknown, depth = 0): boolean {
    if (typeof value === 'string') return value.startsWith(victim) || ids.has(value);
    if (depth > 3) return false;
    if (value instanceof Set) return [...value].map((member) => concerns(member, depth + 1)).includes(true);
    if (!isOurs(value)) return false;
    const fields = Array.isArray(value) ? value : Object.values(value);
    if (!fields.map((field) => concerns(field, depth + 1)).includes(true)) return false;
    if ('alias' in value && typeof value.alias === 'string' && value.alias.startsWith(victim)) {
      for (const name of ['id', 'requestId', 'runnerId', 'revision']) {
        const id = (value as Record<string, unknown>)[name];
        if (typeof id === 'string' && id !== '') ids.add(id);
      }
    }
    return true;
  }

  /** Throws where that was asked for. */
  function enter(name: string): void {
    called.add(name);
    if (armed !== name) return;
    armed = undefined;
    thrown = new Error(`injected into ${name}`);
    throw thrown;
  }

  function wrap(name: string, value: unknown, inherited: boolean): unknown {
    if (typeof value === 'function') return wrapFunction(name, value as Run, inherited);
    if (Array.isArray(value) || !isOurs(value) || !Object.values(value).some((one) => typeof one === 'function'))
      return value;
    const entries = Object.entries(value).map(([key, one]) => {
      return [key, typeof one === 'function' ? wrapFunction(`${name}.${key}`, one as Run, inherited) : one];
    });
    return Object.fromEntries(entries);
  }

  function wrapFunction(name: string, run: Run, inherited: boolean): Run {
    known.add(name);
    const guard = guarded.get(run);
    if (guard) Object.assign(guard, { name, inherited: guard.inherited || inherited });
    const wrapped = (...args: unknown[]): unknown => {
      const isVictim = inherited || alone.test(name) || args.some((arg) => concerns(arg));
      if (isVictim && !guard) enter(name);
      const result = run(...(args.map((arg, index) => wrap(`${name}(${index})`, arg, isVictim)) as never[]));
      if (result instanceof Promise) return result.then((value) => wrap(`${name}()`, value, isVictim));
      return wrap(`${name}()`, result, isVictim);
    };
    return Object.assign(wrapped, run);
  }

  return {
    watch: (name, value) => wrap(name, value, false) as typeof value,
    guard: (real) => (report, callback, failed) => {
      const guard: Guarded = { name: `guard at ${caller()}`, inherited: false };
      const entered: typeof callback = (...args) => {
        if (guard.inherited || args.length === 0 || args.some((arg) => concerns(arg))) enter(guard.name);
        return callback(...args);
      };
      const safe = real(report, entered, failed);
      guarded.set(safe, guard);
      return safe;
    },
    arm(name) {
      armed = name;
      thrown = undefined;
    },
    thrown: () => thrown,
    called() {
      const names = [...called];
      called.clear();
      return names;
    },
    known: () => [...known],
  };
}

/** File and line that made a guard. */
function caller(): string {
  const frames = (new Error().stack ?? '').split('\n').slice(1);
  const outside = frames.find((frame) => !frame.includes('testing/faults.ts') && !frame.includes('contain.ts'));
  return /emulator\/(.+?:\d+)/.exec(outside ?? '')?.[1] ?? 'unknown';
}

/** A record of ours: no class of Node's, whose methods need their own `this`. */
function isOurs(value: unknown): value is object {
  if (typeof value !== 'object' || value === null) return false;
  const kind = Object.getPrototypeOf(value);
  return kind === Object.prototype || kind === Array.prototype || kind === null;
}
