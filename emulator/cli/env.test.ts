import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { clientEnv } from '../wire/data-folder.ts';
import { formatEnv, formatOfShell } from './env.ts';

describe('the printed variables', () => {
  it('survive a POSIX shell, whatever the folder is called', () => {
    const odd = { A: 'it\'s a "$HOME" `x` \\ folder' };
    const script = `${formatEnv(odd, 'sh')}\nprintf %s "$A"`;
    expect(execFileSync('sh', ['-c', script], { encoding: 'utf8' })).toBe(odd.A);
  });

  it.each([
    ['fish', "set -gx A 'it\\'s'"],
    ['powershell', "$env:A = 'it''s'"],
    ['dotenv', 'A="it\'s"'],
  ] as const)('are quoted for %s', (format, text) => {
    expect(formatEnv({ A: "it's" }, format)).toBe(text);
  });

  it.each([
    ['/usr/bin/fish', 'fish'],
    ['/bin/zsh', 'sh'],
    ['/snap/bin/pwsh', 'powershell'],
    [undefined, 'sh'],
  ])('take the form of the shell %s', (shell, format) => {
    expect(formatOfShell(shell, 'linux')).toBe(format);
  });

  it('name the same host for gRPC and REST, as several commands need', () => {
    const env = clientEnv('/data', { api: 1, run: 2, queue: 3, ws: 4 }, 'id:secret');
    expect(env.FAL_REST_HOST).toBe(env.FAL_GRPC_HOST);
    expect(env.FAL_HOST).toBe('localhost:1');
  });
});
