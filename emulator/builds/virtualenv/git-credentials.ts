/**
 * `git+https://USER:PASSWORD@HOST/…` in a requirement; the host comes after the last @ before the path. A password may
 * have blanks in it: uv would encode them and hand it to git.
 */
const withCredentials = /\bgit\+(https?):\/\/([^/?#]+)@([^@/\s?#]+)/g;
/** What must be encoded between `//` and the @ that ends a login; git takes the first one for it. */
const oddInLogin = /[^\w.~!$&'()*+,;=:%-]/gu;

export interface GitRequirements {
  /** Without the credentials in their addresses. */
  readonly requirements: readonly string[];
  /** What was in them: addresses of servers with user and password, as git's credential store keeps them. */
  readonly credentials: readonly string[];
}

/**
 * Takes the credentials out of the addresses of git repositories: uv hands those to git as arguments, which every
 * process may read.
 */
export function separateGitCredentials(requirements: readonly string[]): GitRequirements {
  const credentials = new Set<string>();
  const bare = requirements.map((requirement) =>
    requirement.replace(withCredentials, (_match, scheme: string, login: string, host: string) => {
      // The store knows no login without a password: a token alone is the name, with an empty one.
      const whole = login.includes(':') ? login : `${login}:`;
      credentials.add(`${scheme}://${whole.toWellFormed().replace(oddInLogin, encodeURIComponent)}@${host}`);
      return `git+${scheme}://${host}`;
    }),
  );
  return { requirements: bare, credentials: [...credentials] };
}

/**
 * Variables by which git finds the credentials in `file` (one line of `credentials` each) for their servers, and asks
 * no other helper there. The person's own settings of git stay as they are.
 */
export function gitCredentialSettings(
  credentials: readonly string[],
  file: string,
): { readonly [name: string]: string } {
  // Git gives it to a shell.
  const helper = `store --file='${file.replaceAll("'", "'\\''")}'`;
  const settings = [...new Set(credentials.map((credential) => credential.replace(/\/\/.*@/, '//')))].flatMap(
    (server) => [
      // An empty one forgets the helpers before it.
      [`credential.${server}.helper`, ''] as const,
      [`credential.${server}.helper`, helper] as const,
    ],
  );
  return Object.fromEntries([
    ['GIT_CONFIG_COUNT', String(settings.length)],
    ...settings.flatMap(([key, value], index) => [
      [`GIT_CONFIG_KEY_${index}`, key],
      [`GIT_CONFIG_VALUE_${index}`, value],
    ]),
  ]);
}
