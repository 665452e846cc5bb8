type Env = { readonly [name: string]: string | undefined };

const proxies = ['HTTP_PROXY', 'HTTPS_PROXY', 'ALL_PROXY', 'GRPC_PROXY'];

/**
 * The network settings of a machine that every program needs: its proxies, with their exceptions, and the certificates
 * that it trusts. Proxy variables exist in two spellings, and programs read one or the other.
 */
const network = new RegExp(
  '^(?:(?:HTTP|HTTPS|ALL|NO|GRPC|NO_GRPC)_PROXY|SSL_CERT_(?:FILE|DIR)|REQUESTS_CA_BUNDLE|CURL_CA_BUNDLE|' +
    'NODE_EXTRA_CA_CERTS|GIT_SSL_\\w+)$',
  'i',
);

/** The emulator's hosts, in the spellings that httpx, requests, urllib, grpcio, curl and Node compare with. */
const ours = ['localhost', '.localhost', '127.0.0.1', '::1'];

/** The variables of `env` that describe the machine's network; builds and runners get all of them. */
export function networkEnvironment(env: Env): Record<string, string> {
  const found: Record<string, string> = {};
  for (const [name, value] of Object.entries(env)) if (value !== undefined && network.test(name)) found[name] = value;
  return found;
}

/**
 * `NO_PROXY` and `no_proxy` that keep the emulator's own hosts away from the proxies that `env` names, with the
 * exceptions that `env` has; nothing where it names no proxy. Each spelling keeps its own list and falls back to the
 * other's. gRPC doesn't know the star (measured with grpcio 1.85), and has a variable of its own, which takes
 * precedence.
 */
export function proxyExemptions(env: Env): Record<string, string> {
  const isSet = (name: string) => Boolean(env[name]) || Boolean(env[name.toLowerCase()]);
  if (!proxies.some(isSet)) return {};
  const exemptions = { NO_PROXY: merged(env.NO_PROXY || env.no_proxy), no_proxy: merged(env.no_proxy || env.NO_PROXY) };
  if (!env.no_grpc_proxy && exemptions.no_proxy !== '*') return exemptions;
  return { ...exemptions, no_grpc_proxy: [...new Set([...hostsOf(env.no_grpc_proxy), ...ours])].join(',') };
}

function merged(list = ''): string {
  const given = hostsOf(list);
  // A star means everything, and some programs recognize it only when it is alone.
  if (given.includes('*')) return '*';
  return [...new Set([...given, ...ours])].join(',');
}

/** The hosts of such a list, which commas, blanks or both separate. */
function hostsOf(list = ''): readonly string[] {
  return list.split(/[\s,]+/).filter((host) => host !== '');
}
