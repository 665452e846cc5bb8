import { basename } from 'node:path';

export const envFormats = ['sh', 'fish', 'powershell', 'json', 'dotenv'] as const;
export type EnvFormat = (typeof envFormats)[number];

/** The format of the user's shell, `sh` where it can't be told. */
export function formatOfShell(shell: string | undefined, platform: NodeJS.Platform): EnvFormat {
  if (!shell) return platform === 'win32' ? 'powershell' : 'sh';
  const name = basename(shell);
  if (name.startsWith('fish')) return 'fish';
  return name.startsWith('pwsh') || name.startsWith('powershell') ? 'powershell' : 'sh';
}

/** Text to be evaluated by the shell (or parsed, for json and dotenv). Values are quoted for it. */
export function formatEnv(env: Readonly<Record<string, string>>, format: EnvFormat): string {
  const entries = Object.entries(env);
  switch (format) {
    case 'json':
      return JSON.stringify(env, null, 2);
    case 'dotenv':
      return entries.map(([name, value]) => `${name}=${JSON.stringify(value)}`).join('\n');
    case 'fish':
      return entries.map(([name, value]) => `set -gx ${name} '${value.replace(/[\\']/g, '\\$&')}'`).join('\n');
    case 'powershell':
      return entries.map(([name, value]) => `$env:${name} = '${value.replaceAll("'", "''")}'`).join('\n');
    case 'sh':
      return entries.map(([name, value]) => `export ${name}='${value.replaceAll("'", "'\\''")}'`).join('\n');
  }
}
