import { expect, it, onTestFinished, vi } from 'vitest';
import { createSession } from './session.ts';

const tokenOf = (letter: string) => `page:${letter.repeat(43)}`;

/** A tab of a browser that was signed in before with this token. */
function tab(token: string) {
  const stored = new Map([['minifal.token', token]]);
  vi.stubGlobal('sessionStorage', {
    getItem: (key: string) => stored.get(key) ?? null,
    setItem: (key: string, value: string) => stored.set(key, value),
    removeItem: (key: string) => stored.delete(key),
  });
  vi.stubGlobal('window', new EventTarget());
  onTestFinished(() => void vi.unstubAllGlobals());
  return createSession();
}

/** What a tab does that was opened by `minifal open`. */
async function newTab(token: string): Promise<void> {
  const others = new BroadcastChannel('minifal');
  const echo = new BroadcastChannel('minifal');
  onTestFinished(() => {
    for (const one of [others, echo]) one.close();
  });
  const heard = new Promise((resolve) => echo.addEventListener('message', resolve));
  others.postMessage({ type: 'token', token });
  await heard;
}

it('signs in with the token of another tab, also if it learns later that its own has ended', async () => {
  const session = tab(tokenOf('a'));
  // The emulator was started again while nobody looked at this tab.
  await newTab(tokenOf('b'));
  expect(session.get()).toEqual({ state: 'in', token: tokenOf('a') });
  session.ended(tokenOf('a'));
  expect(session.get()).toEqual({ state: 'in', token: tokenOf('b') });
  session.ended(tokenOf('b'));
  expect(session.get()).toEqual({ state: 'ended' });
  await newTab(tokenOf('c'));
  await vi.waitFor(() => expect(session.get()).toEqual({ state: 'in', token: tokenOf('c') }));
});
