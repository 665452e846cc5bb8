import * as z from 'zod/mini';
import { createObserved } from '../../extension/target/observed.ts';
import { exchangeCode } from '../../extension/target/page-session.ts';

const storageKey = 'minifal.token';
const token = z.string().check(z.regex(/^page:[\w-]{43}$/));
const messageSchema = z.object({ type: z.literal('token'), token });

/**
 * Whether the page may ask the emulator. `none`: it was opened without a code; `refused`: its code was used before or
 * is too old; `ended`: the emulator doesn't know its token, because it was started again.
 */
export type SignedIn =
  | { readonly state: 'in'; readonly token: string }
  | { readonly state: 'none' | 'refused' | 'ended' };

/**
 * The token of this page's tab, in `sessionStorage`: pages of other origins, and apps on other ports, can't read it,
 * and a browser sends it nowhere by itself. A tab that is signed in passes its token to those that have lost theirs,
 * so that one `minifal open` is enough after a restart of the emulator.
 */
export function createSession() {
  const stored = token.safeParse(sessionStorage.getItem(storageKey)).data;
  const observed = createObserved<SignedIn>(stored === undefined ? { state: 'none' } : { state: 'in', token: stored });
  const others = new BroadcastChannel('minifal');
  /** The token of another tab, for the time when this one's has ended: a hidden tab doesn't notice. */
  let spare: string | undefined;
  others.addEventListener('message', ({ data }) => {
    const message = messageSchema.safeParse(data).data;
    if (!message) return;
    if (observed.get().state === 'in') spare = message.token;
    else take(message.token);
  });

  function take(next: string): void {
    sessionStorage.setItem(storageKey, next);
    observed.set({ state: 'in', token: next });
  }

  /** Exchanges the code of the address, if there is one. */
  async function takeCode(): Promise<void> {
    const code = new URLSearchParams(location.hash.slice(1)).get('code');
    if (code === null) return;
    // Before anything else: it must not stay in the history.
    history.replaceState(null, '', location.pathname + location.search);
    const exchanged = await exchangeCode(location.origin, code);
    if (typeof exchanged === 'object') {
      take(exchanged.token);
      others.postMessage({ type: 'token', token: exchanged.token });
    } else if (observed.get().state !== 'in') observed.set({ state: 'refused' });
  }

  // The address of another `minifal open` in the same tab changes only the fragment.
  window.addEventListener('hashchange', () => void takeCode());
  return {
    get: observed.get,
    onChange: observed.onChange,
    takeCode,
    /** The emulator doesn't know this token. */
    ended(known: string): void {
      const now = observed.get();
      if (now.state !== 'in' || now.token !== known) return;
      const next = spare;
      spare = undefined;
      if (next !== undefined && next !== known) take(next);
      else {
        sessionStorage.removeItem(storageKey);
        observed.set({ state: 'ended' });
      }
    },
  };
}

export type Session = ReturnType<typeof createSession>;
