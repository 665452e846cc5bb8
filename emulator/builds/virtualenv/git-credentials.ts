/**
 * `git+https://USER:PASSWORD@HOST/…` in a requirement; the host follows the last @ before the path. A password may
 * contain blanks: uv would encode them and pass it to git.
 */
const withCredentials = /\bgit\+(https?):\/\/([^/?#]+)@([^@/\s?#]+)/g;
/** What must be encoded between `//` and the @ that ends a login; git ends the login at the first @. */
const oddInLogin = /[^\w.~!$&'()*+,;=:%-]/gu;

export interface GitRequirements {
  /** The requirements without the credentials in their URLs. */
  readonly requirements: readonly string[];
  /** The removed credentials: URLs of servers with user and password, as git's credential store keeps them. */
  readonly credentials: readonly string[];
}

/**
 * Removes the credentials from the URLs of git repositories: uv passes the URLs to git as arguments, which every
 * process can read.
 */
export function separateGitCredentials(requirements: readonly string[]): GitRequirements {
  const credentials = new Set<string>();
  const bare = requirements.map((requirement) =>
    requirement.replace(withCredentials, (_match, scheme: string, login: string, host: string) => {
      // The store requires a password: a token alone is stored as the name, with an empty password.
      const whole = login.includes(':') ? login : `${login}:`;
      credentials.add(`${scheme}://${whole.toWellFormed().replace(oddInLogin, encodeURIComponent)}@${host}`);
      return `git+${scheme}://${host}`;
    }),
  );
  return { requirements: bare, credentials: [...credentials] };
}

/**
 * Variables that make git use the credentials in `file` (one entry of `credentials` per line) for their servers, and no
 * other helper there. The user's own git settings are unchanged.
 */
export function gitCredentialSettings(
  credentials: readonly string[],
  file: string,
): { readonly [name: string]: string } {
  // Git passes it to a shell.
  const helper = `store --file='${file.replaceAll("'", "'\\''")}'`;
  const settings = [...new Set(credentials.map((credential) => credential.replace(/\/\/.*@/, '//')))].flatMap(
    (server) => [
      // An empty value resets the list of helpers before it.
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
