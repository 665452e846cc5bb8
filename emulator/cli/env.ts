import { basename, join } from 'node:path';
import type { RunningEmulator } from './data-folder.ts';

export const envFormats = ['sh', 'fish', 'powershell', 'json', 'dotenv'] as const;
export type EnvFormat = (typeof envFormats)[number];

/**
 * The variables that point `fal`, the SDK and `fal_client` at this emulator (control-plane-grpc.md §1, gateway-http.md §14).
 * We use TLS with our CA in a bundle, not ISOLATE_TEST_MODE: the clients then run the same code as in the cloud, and a
 * foreign process on our port gets no key.
 */
export function clientEnv(folder: string, ports: RunningEmulator['ports'], key: string): Record<string, string> {
  const bundle = join(folder, 'tls', 'bundle.pem');
  const api = `localhost:${ports.api}`;
  return {
    FAL_KEY: key,
    FAL_HOST: api,
    FAL_GRPC_HOST: api,
    FAL_REST_HOST: api,
    FAL_RUN_HOST: `localhost:${ports.run}`,
    FAL_QUEUE_RUN_HOST: `localhost:${ports.queue}`,
    FAL_WS_RUN_HOST: `localhost:${ports.ws}`,
    SSL_CERT_FILE: bundle,
    REQUESTS_CA_BUNDLE: bundle,
    GRPC_DEFAULT_SSL_ROOTS_FILE_PATH: bundle,
    NODE_EXTRA_CA_CERTS: join(folder, 'tls', 'ca.crt'),
  };
}

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
