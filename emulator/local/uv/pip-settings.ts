import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { isOutOfDescriptors, outOfDescriptors } from '../descriptors.ts';

/** pip's settings for its index. uv doesn't read pip's configuration, so we pass them on. */
export interface PipSettings {
  readonly indexUrl?: string;
  readonly extraIndexUrls?: readonly string[];
  readonly cert?: string;
}

type Env = { readonly [name: string]: string | undefined };

/**
 * pip's own order: site, then user files, then `PIP_CONFIG_FILE`, then variables; the later one takes precedence.
 * Unreadable files count as absent.
 */
export function readPipSettings(env: Env): PipSettings {
  const home = env.HOME ?? '/';
  const files = [
    '/etc/pip.conf',
    join(env.XDG_CONFIG_HOME ?? join(home, '.config'), 'pip', 'pip.conf'),
    join(home, '.pip', 'pip.conf'),
    env.PIP_CONFIG_FILE,
  ];
  const values = new Map<string, string>();
  for (const file of files) {
    if (file === undefined || file === '/dev/null') continue;
    for (const [name, value] of parsePipConf(readIfThere(file))) values.set(name, value);
  }
  for (const name of ['index-url', 'extra-index-url', 'cert']) {
    const value = env[`PIP_${name.toUpperCase().replaceAll('-', '_')}`];
    if (value) values.set(name, value);
  }
  const indexUrl = values.get('index-url');
  const extra = values.get('extra-index-url');
  const cert = values.get('cert');
  return {
    ...(indexUrl ? { indexUrl } : {}),
    ...(extra ? { extraIndexUrls: extra.split(/\s+/).filter(Boolean) } : {}),
    ...(cert ? { cert } : {}),
  };
}

/** The `[global]` and `[install]` values of a pip.conf; indented lines continue the value above. */
export function parsePipConf(text: string): ReadonlyMap<string, string> {
  const values = new Map<string, string>();
  let section = '';
  let name = '';
  for (const raw of text.split('\n')) {
    if (/^\s*([#;].*)?$/.test(raw)) continue;
    const header = /^\[(.+)\]\s*$/.exec(raw);
    if (header) {
      section = header[1] ?? '';
      name = '';
      continue;
    }
    if (section !== 'global' && section !== 'install') continue;
    if (/^\s/.test(raw) && name) {
      values.set(name, `${values.get(name) ?? ''} ${raw.trim()}`.trim());
    } else {
      const at = raw.search(/[=:]/);
      if (at < 0) continue;
      name = raw.slice(0, at).trim().toLowerCase().replaceAll('_', '-');
      values.set(name, raw.slice(at + 1).trim());
    }
  }
  return values;
}

function readIfThere(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if (isOutOfDescriptors(error)) throw outOfDescriptors("read pip's settings");
    return '';
  }
}
