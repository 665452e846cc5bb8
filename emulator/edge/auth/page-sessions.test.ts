import { expect, it } from 'vitest';
import { createPageSessions } from './page-sessions.ts';

function scene() {
  const state = { now: 1_000_000 };
  const sessions = createPageSessions(() => state.now);
  const authenticate = sessions.orPage(
    ({ authorization }) => (authorization === 'Key a:b' ? { userId: 'me', keyId: 'a', scope: 'API' } : undefined),
    'me',
  );
  const scopeOf = (token: string | undefined) => authenticate({ authorization: `Key ${token}` })?.scope;
  return { state, sessions, scopeOf };
}

it('exchanges a code once for a token that is as good as a key, and other keys are checked as before', () => {
  const { sessions, scopeOf } = scene();
  const token = sessions.exchange(sessions.issueCode());
  expect(token).toMatch(/^page:[\w-]{43}$/);
  expect([token, 'a:b', 'page:x', `${token}x`, `page:${'x'.repeat(43)}`].map(scopeOf)).toEqual([
    'ADMIN',
    'API',
    ...[undefined, undefined, undefined],
  ]);
});

it('ends the token of a code that is used again: somebody else has read it', () => {
  const { sessions, scopeOf } = scene();
  const [code, other] = [sessions.issueCode(), sessions.issueCode()];
  const [stolen, kept] = [sessions.exchange(code), sessions.exchange(other)];
  expect(sessions.exchange(code)).toBeUndefined();
  expect([stolen, kept].map(scopeOf)).toEqual([undefined, 'ADMIN']);
});

it('refuses a code after a minute, while its token stays', () => {
  const { state, sessions, scopeOf } = scene();
  const [code, late] = [sessions.issueCode(), sessions.issueCode()];
  const token = sessions.exchange(code);
  state.now += 60_000;
  expect([sessions.exchange(late), sessions.exchange('x')]).toEqual([undefined, undefined]);
  expect(scopeOf(token)).toBe('ADMIN');
});

it('keeps a limited number of codes and tokens, the newest', () => {
  const { sessions, scopeOf } = scene();
  const codes = Array.from({ length: 17 }, () => sessions.issueCode());
  expect(codes.map((code) => sessions.exchange(code) !== undefined)).toEqual([false, ...Array(16).fill(true)]);
  const tokens = Array.from({ length: 65 }, () => sessions.exchange(sessions.issueCode()));
  expect(tokens.map((token) => scopeOf(token) === 'ADMIN')).toEqual([false, ...Array(64).fill(true)]);
});

it('knows no token of another emulator', () => {
  const [one, other] = [scene(), scene()];
  const token = one.sessions.exchange(one.sessions.issueCode());
  expect(other.scopeOf(token)).toBeUndefined();
});
