import { describe, expect, it } from 'vitest';
import { createSigner } from './signed.ts';
import { createTokens } from './tokens.ts';

const secret = Buffer.alloc(32, 1);

function made() {
  const state = { now: 1_000_000, alive: new Set(['runner']) };
  const signing = { secret, clock: () => state.now, lives: (id: string) => state.alive.has(id) };
  return { state, signing, tokens: createTokens(signing) };
}
const by = { userId: 'user' };

describe('tokens for browsers', () => {
  it('give access to the alias they name, at every path, until they expire', () => {
    const { state, tokens } = made();
    const token = tokens.issue(['app'], 120, by);
    expect(tokens.verify(token, { owner: 'me', name: 'app', path: '/realtime' })).toEqual({ userId: 'user' });
    expect(tokens.verify(token, { owner: 'me', name: 'app', path: '' })).toEqual({ userId: 'user' });
    expect(tokens.verify(token, { owner: 'me', name: 'other', path: '' })).toBeUndefined();
    state.now += 119_999;
    expect(tokens.verify(token, { owner: 'me', name: 'app', path: '' })).toEqual({ userId: 'user' });
    state.now += 1;
    expect(tokens.verify(token, { owner: 'me', name: 'app', path: '' })).toBeUndefined();
  });

  it('may name an app with its owner, or one endpoint', () => {
    const { tokens } = made();
    const owner = 'me';
    const app = tokens.issue(['me/app'], 60, by);
    expect(tokens.verify(app, { owner, name: 'app', path: '/any' })).toBeDefined();
    expect(tokens.verify(app, { owner: 'you', name: 'app', path: '/any' })).toBeUndefined();
    const endpoint = tokens.issue(['me/app/a/b'], 60, by);
    expect(tokens.verify(endpoint, { owner, name: 'app', path: '/a/b' })).toBeDefined();
    for (const path of ['', '/', '/a', '/a/b/c', '/A/b']) {
      expect(tokens.verify(endpoint, { owner, name: 'app', path }), path).toBeUndefined();
    }
    expect(tokens.verify(tokens.issue([], 60, by), { owner, name: 'app', path: '' })).toBeUndefined();
  });

  it('survive a restart, and are invalid in another data folder', () => {
    const { signing, tokens } = made();
    const token = tokens.issue(['app'], 60, by);
    const app = { owner: 'me', name: 'app', path: '' };
    expect(createTokens(signing).verify(token, app)).toBeDefined();
    expect(createTokens({ ...signing, secret: Buffer.alloc(32, 2) }).verify(token, app)).toBeUndefined();
  });

  it("that were requested with a runner's key expire with the runner, and with the emulator", () => {
    const { state, signing, tokens } = made();
    const app = { owner: 'me', name: 'app', path: '' };
    const token = tokens.issue(['app'], 60, { userId: 'user', runnerId: 'runner' });
    expect(tokens.verify(token, app)).toEqual({ userId: 'user' });
    // A new process doesn't know the runners of the previous one.
    expect(createTokens({ ...signing, lives: () => false }).verify(token, app)).toBeUndefined();
    state.alive.clear();
    expect(tokens.verify(token, app)).toBeUndefined();
    expect(tokens.verify(tokens.issue(['app'], 60, by), app)).toBeDefined();
  });

  it('cannot be forged: no changed character, no other algorithm, no token of another kind', () => {
    const { signing, tokens } = made();
    const token = tokens.issue(['app'], 60, by);
    const app = { owner: 'me', name: 'app', path: '' };
    const [, payload = '', mac = ''] = token.split('.');
    for (let at = 0; at < token.length - 1; at++) {
      const changed = `${token.slice(0, at)}${token[at] === 'A' ? 'B' : 'A'}${token.slice(at + 1)}`;
      expect(tokens.verify(changed, app), `changed at ${at}`).toBeUndefined();
    }
    const none = Buffer.from('{"alg":"none","typ":"JWT"}').toString('base64url');
    for (const forged of ['', '.', '..', 'x', `${none}.${payload}.`, `${none}.${payload}.${mac}`, `${token}.${mac}`]) {
      expect(tokens.verify(forged, app), forged).toBeUndefined();
    }
    const claims = { userId: 'user', expiresAt: 9e15, scope: ['app'], runnerId: null };
    const upload = createSigner(signing, 'storage').sign(claims);
    expect(tokens.verify(upload, app)).toBeUndefined();
  });
});
