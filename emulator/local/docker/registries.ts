/** A login to a registry. */
export interface RegistryLogin {
  readonly username: string;
  readonly password: string;
}

const dockerHub = 'docker.io';
const hubHosts = new Set([
  dockerHub,
  'index.docker.io',
  'registry-1.docker.io',
  'registry.hub.docker.com',
  'hub.docker.com',
]);

/** The host of a registry, as written by a user: `https://index.docker.io/v1/` and `docker.io` are the same one. */
export function registryHost(written: string): string {
  const host = written
    .replace(/^[a-z]+:\/\//i, '')
    .replace(/\/.*$/s, '')
    .toLowerCase();
  return hubHosts.has(host) ? dockerHub : host;
}

/** The registry that has an image: `python:3.12` is Docker Hub's, `localhost:5000/app` is not. */
export function registryOf(reference: string): string {
  const [first = '', ...rest] = reference.split('/');
  const isHost = rest.length > 0 && (/[.:]/.test(first) || first === 'localhost');
  return isHost ? registryHost(first) : dockerHub;
}

/** The header with the login for a pull; none for an engine that needs none. */
export function authHeader(reference: string, login: RegistryLogin | undefined): { readonly [name: string]: string } {
  if (login === undefined) return {};
  const host = registryOf(reference);
  const serveraddress = host === dockerHub ? 'https://index.docker.io/v1/' : host;
  const text = JSON.stringify({ ...login, serveraddress });
  return { 'x-registry-auth': paddedBase64(text) };
}

/** Base64 for addresses with its padding, which Docker 20.10 requires. */
export function paddedBase64(text: string): string {
  return Buffer.from(text).toString('base64').replaceAll('+', '-').replaceAll('/', '_');
}
