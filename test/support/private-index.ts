import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import type { ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { loadOrCreateTls } from '../../emulator/edge/tls/ca.ts';
import { mustRun } from './process.ts';

/** Makes a wheel of a pure package with one module of that name. Returns its file. */
export async function makeWheel(python: string, folder: string, name: string, version: string): Promise<string> {
  const wheel = join(folder, `${name}-${version}-py3-none-any.whl`);
  const program = `
import sys, zipfile
wheel, name, version = sys.argv[1:]
info = f"{name}-{version}.dist-info"
files = {
    f"{name}.py": f"VERSION = {version!r}\\n",
    f"{info}/METADATA": f"Metadata-Version: 2.1\\nName: {name}\\nVersion: {version}\\n",
    f"{info}/WHEEL": "Wheel-Version: 1.0\\nGenerator: test\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n",
}
with zipfile.ZipFile(wheel, "w") as archive:
    for path, text in files.items():
        archive.writestr(path, text)
    archive.writestr(f"{info}/RECORD", "".join(f"{path},,\\n" for path in [*files, f"{info}/RECORD"]))
`;
  await mustRun(python, ['-c', program, wheel, name, version]);
  return wheel;
}

export interface PrivateIndex {
  /** The URL for `UV_DEFAULT_INDEX`. */
  readonly url: string;
  /** A file with the authority that signed its certificate. */
  readonly authority: string;
  /** The requested paths. */
  readonly asked: readonly string[];
  close(): void;
}

/**
 * A package index as companies run them, with a TLS certificate of a private authority. Serves the given wheels, and
 * redirects to the public index for all others.
 */
export async function startPrivateIndex(
  folder: string,
  wheels: { readonly [name: string]: string },
): Promise<PrivateIndex> {
  const tls = await loadOrCreateTls(folder);
  const authority = join(folder, 'company.pem');
  await writeFile(authority, tls.caPem);
  const asked: string[] = [];
  const server = createServer({
    key: tls.key,
    cert: tls.cert,
    SNICallback: (name, done) => done(null, tls.contextFor(name)),
  });
  server.on('request', (request, response: ServerResponse) => {
    const path = request.url ?? '/';
    asked.push(path);
    const [, kind, name = ''] = path.split('/');
    const wheel = wheels[name];
    if (kind === 'files' && wheel) {
      void readFile(wheel).then((bytes) => response.end(bytes));
    } else if (wheel) {
      const file = wheel.split('/').at(-1);
      response.setHeader('content-type', 'text/html').end(`<a href="/files/${name}/${file}">${file}</a>`);
    } else {
      response.writeHead(302, { location: `https://pypi.org${path}` }).end();
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `https://localhost:${(server.address() as AddressInfo).port}/simple/`,
    authority,
    asked,
    close: () => void server.close(),
  };
}
