import { basename } from 'node:path';

export const envFormats = ['sh', 'fish', 'powershell', 'json', 'dotenv'] as const;
export type EnvFormat = (typeof envFormats)[number];
type Shell = Exclude<EnvFormat, 'json' | 'dotenv'>;

/** The format of the user's shell, `sh` if the shell is unknown. */
export function formatOfShell(shell: string | undefined, platform: NodeJS.Platform): Shell {
  if (!shell) return platform === 'win32' ? 'powershell' : 'sh';
  const name = basename(shell);
  if (name.startsWith('fish')) return 'fish';
  return name.startsWith('pwsh') || name.startsWith('powershell') ? 'powershell' : 'sh';
}

/** Text for the shell to evaluate (or to be parsed, for json and dotenv). Values are quoted. */
export function formatEnv(env: Readonly<Record<string, string>>, format: EnvFormat): string {
  const entries = Object.entries(env);
  switch (format) {
    case 'json':
      return JSON.stringify(env, null, 2);
    case 'dotenv':
      return entries.map(([name, value]) => `${name}=${dotenvValue(value)}`).join('\n');
    case 'fish':
      return entries.map(([name, value]) => `set -gx ${name} ${quoted(value, format)}`).join('\n');
    case 'powershell':
      return entries.map(([name, value]) => `$env:${name} = ${quoted(value, format)}`).join('\n');
    case 'sh':
      return entries.map(([name, value]) => `export ${name}=${quoted(value, format)}`).join('\n');
  }
}

/** A command for the user to type into a shell of this kind, on one printable line. */
export function commandLine(words: readonly string[], shell: Shell): string {
  const line = words.map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : onOneLine(word, shell))).join(' ');
  // PowerShell prints a quoted word unless the call operator precedes it.
  return shell === 'powershell' && line.startsWith("'") ? `& ${line}` : line;
}

/**
 * The line that sets these variables in a shell of this kind: `command` prints them. Handles values of several lines.
 */
export function evalLine(command: readonly string[], shell: Shell): string {
  const call = commandLine(command, shell);
  switch (shell) {
    case 'fish':
      return `${call} | source`;
    case 'powershell':
      return `${call} | Out-String | Invoke-Expression`;
    case 'sh':
      return `eval "$(${call})"`;
  }
}

const controls = /(\p{Cc})/u;

/** `quoted`, with control characters in the shell's own escapes; sh has none, so the line calls printf. */
function onOneLine(word: string, shell: Shell): string {
  const parts = word.split(controls);
  if (parts.length === 1) return quoted(word, shell);
  const code = (character: string) => character.charCodeAt(0);
  const hex = (character: string) => `\\x${code(character).toString(16).padStart(2, '0')}`;
  const octal = (character: string) => `\\0${code(character).toString(8).padStart(3, '0')}`;
  const each = (text: (part: string) => string, control: (character: string) => string) =>
    parts.map((part, index) => (index % 2 === 1 ? control(part) : text(part))).join('');
  switch (shell) {
    case 'fish':
      return each((part) => (part === '' ? '' : quoted(part, shell)), hex);
    case 'powershell':
      return `"${each(
        (part) => part.replace(/[`$"“”„]/g, '`$&'),
        (character) => `$([char]${code(character)})`,
      )}"`;
    case 'sh':
      return `"$(printf %b ${quoted(
        each((part) => part.replaceAll('\\', '\\\\'), octal),
        shell,
      )})"`;
  }
}

/** Quotes any text as one word. */
function quoted(value: string, shell: Shell): string {
  switch (shell) {
    case 'fish':
      return `'${value.replace(/[\\']/g, '\\$&')}'`;
    case 'powershell':
      // PowerShell treats typographic quotes as plain ones.
      return `'${value.replace(/['‘’‚‛]/g, '$&$&')}'`;
    case 'sh':
      return `'${value.replaceAll("'", "'\\''")}'`;
  }
}

/**
 * Readers of .env files expand `$` and backslashes in double quotes, each in its own way; in single quotes none does.
 */
function dotenvValue(value: string): string {
  return value.includes("'") ? JSON.stringify(value) : `'${value}'`;
}
