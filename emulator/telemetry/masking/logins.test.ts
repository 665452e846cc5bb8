import { describe, expect, it } from 'vitest';
import { passwordsIn, withoutLogin, withoutLogins } from './logins.ts';

describe('logins in the output of a program', () => {
  it('are hidden', () => {
    expect(withoutLogins('GET https://me:pw@example.com/simple/')).toBe('GET https://********@example.com/simple/');
  });

  it('are hidden completely when the password contains an @', () => {
    expect(withoutLogins('GET https://me:p@ss@w@example.com/a@b http://u:v@h')).toBe(
      'GET https://********@example.com/a@b http://********@h',
    );
  });

  it('are found in one pass, also in the output of a build script without spaces', () => {
    for (const text of ['x', 'x:', '://', '://x', '@'].map((part) => part.repeat(300_000)))
      expect(withoutLogins(text)).toBe(text);
  });

  it('do not include text that is not a login', () => {
    const text = ' + six==1.17.0 from https://example.com/a@b';
    expect(withoutLogins(text)).toBe(text);
  });
});

describe('logins in requirements', () => {
  it.each([
    ['a @ git+https://me:pass word@example.com/x@v1', 'a @ git+https://********@example.com/x@v1', ['pass word']],
    ['https://token@example.com/x.whl', 'https://********@example.com/x.whl', ['token']],
    ['a @ https://example.com/x@v1', 'a @ https://example.com/x@v1', []],
    ['six==1.17.0', 'six==1.17.0', []],
  ])('are recognized and hidden: %s', (requirement, shown, passwords) => {
    expect(withoutLogin(requirement)).toBe(shown);
    expect(passwordsIn([requirement])).toEqual(passwords);
  });
});
