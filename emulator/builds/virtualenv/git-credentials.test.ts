import { describe, expect, it } from 'vitest';
import { gitCredentialSettings, separateGitCredentials } from './git-credentials.ts';

describe('credentials in the addresses of git repositories', () => {
  it.each([
    [
      'user and password',
      'a @ git+https://u:p@h.example/x.git@v1',
      'a @ git+https://h.example/x.git@v1',
      'https://u:p@h.example',
    ],
    [
      'a token alone',
      'git+https://token@h.example:8443/x',
      'git+https://h.example:8443/x',
      'https://token:@h.example:8443',
    ],
    ['a password with an @', 'git+https://u:p@ss@h/x@v1', 'git+https://h/x@v1', 'https://u:p%40ss@h'],
    [
      'a password with a blank and other odd characters',
      'a @ git+https://u:pa ss\t"ü\ud800<@h/x@v1',
      'a @ git+https://h/x@v1',
      'https://u:pa%20ss%09%22%C3%BC%EF%BF%BD%3C@h',
    ],
    ['percent-encoded ones', 'git+http://u:a%40b@h/x', 'git+http://h/x', 'http://u:a%40b@h'],
  ])('are taken out: %s', (_, requirement, bare, credential) => {
    expect(separateGitCredentials([requirement])).toEqual({ requirements: [bare], credentials: [credential] });
  });

  it.each(['six==1.17.0', 'a @ git+https://h.example/x.git@main', 'a @ https://u:p@h/x.whl', 'git+ssh://git@h/x.git'])(
    'are none in %s',
    (requirement) => {
      expect(separateGitCredentials([requirement])).toEqual({ requirements: [requirement], credentials: [] });
    },
  );

  it('point git to a file, for their servers only', () => {
    expect(gitCredentialSettings(['https://u:p@h', 'https://v:q@h'], "/it's/file")).toEqual({
      GIT_CONFIG_COUNT: '2',
      GIT_CONFIG_KEY_0: 'credential.https://h.helper',
      GIT_CONFIG_VALUE_0: '',
      GIT_CONFIG_KEY_1: 'credential.https://h.helper',
      GIT_CONFIG_VALUE_1: "store --file='/it'\\''s/file'",
    });
  });
});
