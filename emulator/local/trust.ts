/** What pip, uv, npm and OpenSSL print when they don't know the authority of a server's certificate. */
const untrusted = new RegExp(
  'UnknownIssuer|CERTIFICATE_VERIFY_FAILED|self.signed certificate|unable to get local issuer|' +
    'unknown certificate authority',
  'i',
);

/** The next step if a tool's output says that it didn't trust a server; otherwise `undefined`. */
export function trustAdvice(output: string): string | undefined {
  if (!untrusted.test(output)) return undefined;
  return (
    "A server's certificate is signed by an authority that this machine doesn't trust. If your network has its " +
    "own, add its certificate to the system's (Debian, Ubuntu: copy it to " +
    '/usr/local/share/ca-certificates/NAME.crt, then update-ca-certificates), or set SSL_CERT_FILE to a file that ' +
    'holds it; then start minifal again.'
  );
}
