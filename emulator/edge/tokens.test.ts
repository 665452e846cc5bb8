import { describe, expect, it } from 'vitest';
import { createSigner } from './signed.ts';
import { createTokens } from './tokens.ts';

const secret = Buffer.alloc(32, 1);

function made() {
  const state = { now: 1_000_000 };
  const clock = () => state.now;
  return { state, clock, tokens: createTokens({ secret, clock }) };
}

describe('tokens for browsers', () => {
  it('open the alias they name, at every path, until they expire', () => {
    const { state, tokens } = made();
    const token = tokens.issue(['app'], 120, 'user');
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
    const app = tokens.issue(['me/app'], 60, 'user');
    expect(tokens.verify(app, { owner, name: 'app', path: '/any' })).toBeDefined();
    expect(tokens.verify(app, { owner: 'you', name: 'app', path: '/any' })).toBeUndefined();
    const endpoint = tokens.issue(['me/app/a/b'], 60, 'user');
    expect(tokens.verify(endpoint, { owner, name: 'app', path: '/a/b' })).toBeDefined();
    for (const path of ['', '/', '/a', '/a/b/c', '/A/b']) {
      expect(tokens.verify(endpoint, { owner, name: 'app', path }), path).toBeUndefined();
    }
    expect(tokens.verify(tokens.issue([], 60, 'user'), { owner, name: 'app', path: '' })).toBeUndefined();
  });

  it('survive a restart, and are worth nothing on another data folder', () => {
    const { clock, tokens } = made();
    const token = tokens.issue(['app'], 60, 'user');
    const app = { owner: 'me', name: 'app', path: '' };
    expect(createTokens({ secret, clock }).verify(token, app)).toBeDefined();
    expect(createTokens({ secret: Buffer.alloc(32, 2), clock }).verify(token, app)).toBeUndefined();
  });

  it('are not to be forged: no changed character, no other algorithm, no token of another kind', () => {
    const { clock, tokens } = made();
    const token = tokens.issue(['app'], 60, 'user');
    const app = { owner: 'me', name: 'app', path: '' };
    const [, claims = '', mac = ''] = token.split('.');
    for (let at = 0; at < token.length - 1; at++) {
      const changed = `${token.slice(0, at)}${token[at] === 'A' ? 'B' : 'A'}${token.slice(at + 1)}`;
      expect(tokens.verify(changed, app), `changed at ${at}`).toBeUndefined();
    }
    const none = Buffer.from('{"alg":"none","typ":"JWT"}').toString('base64url');
    for (const forged of ['', '.', '..', 'x', `${none}.${claims}.`, `${none}.${claims}.${mac}`, `${token}.${mac}`]) {
      expect(tokens.verify(forged, app), forged).toBeUndefined();
    }
    const upload = createSigner(secret, 'storage', clock).sign({ userId: 'user', expiresAt: 9e15, scope: ['app'] });
    expect(tokens.verify(upload, app)).toBeUndefined();
  });
});
