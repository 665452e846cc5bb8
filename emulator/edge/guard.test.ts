import { IncomingMessage } from 'node:http';
import { Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import { loopbackHosts } from '../wire/hosts.ts';
import { guard } from './guard.ts';

const port = 8443;
const ask = (headers: readonly string[], method = 'POST', allowedOrigins: readonly string[] = []) => {
  const req = new IncomingMessage(new Socket());
  req.method = method;
  req.rawHeaders = [...headers];
  for (let i = 0; i + 1 < headers.length; i += 2)
    req.headers[(headers[i] ?? '').toLowerCase()] ??= headers[i + 1] ?? '';
  return guard(req, { hosts: loopbackHosts(port), allowedOrigins });
};
const host = ['Host', `localhost:${port}`] as const;

describe('Host', () => {
  it.each(loopbackHosts(port))('%s is ours', (value) => {
    expect(ask(['Host', value])).toEqual({ ok: true, headers: [], preflight: false });
  });

  const p = `:${port}`;
  const names = [
    ...[
      'LOCALHOST',
      'Localhost',
      'localhosT',
      'localhost.',
      'localhost..',
      '.localhost',
      ' localhost',
      'local\u00adhost',
    ],
    ...[
      'localhost.evil.example',
      'evil.example',
      'localhost.localdomain',
      'ip6-localhost',
      'app.localhost',
      'xlocalhost',
    ],
    ...[
      'localhost%00',
      'localhost%2e',
      'local%68ost',
      'localhost\t',
      'localhost/',
      'localhost#',
      'localhost?',
      'localhost\\',
    ],
    ...['user@localhost', 'user:pw@localhost', 'evil.example@localhost', 'localhost@evil.example', 'http://localhost'],
    ...['127.0.0.1.', '127.1', '127.0.1', '127.0.0.01', '127.00.0.1', '0127.0.0.1', '127.0.0.2', '127.255.255.255'],
    ...['2130706433', '0x7f000001', '0x7F.0.0.1', '0x7f.1', '017700000001', '0177.0.0.1', '127.0.0.0x1', '127.0.0.1%0'],
    ...[
      '0',
      '0.0.0.0',
      '0x0',
      '00000000',
      '127.0.0.1.nip.io',
      '127-0-0-1.example',
      '192.168.0.1',
      '10.0.0.1',
      '169.254.169.254',
    ],
    ...['::1', '[0:0:0:0:0:0:0:1]', '[::0001]', '[0::1]', '[::1%25lo]', '[::1%lo]', '[::]', '[::ffff:127.0.0.1]'],
    ...[
      '[::127.0.0.1]',
      '[::ffff:7f00:1]',
      '[::2]',
      '[fe80::1]',
      '[::1].',
      '[[::1]]',
      '[::1',
      '::1]',
      '\uff11\uff12\uff17.0.0.1',
    ],
    ...[
      '\u24db\u24de\u24d2\u24d0\u24db\u24d7\u24de\u24e2\u24e3',
      'localhost,localhost',
      'localhost localhost',
      'host.docker.internal',
    ],
  ];
  const whole = [
    ...[
      '',
      ':',
      p,
      'localhost',
      '127.0.0.1',
      '[::1]',
      'localhost:',
      'localhost:0',
      'localhost:443',
      'localhost:80',
      'localhost:8442',
    ],
    ...[
      'localhost:08443',
      'localhost:+8443',
      'localhost:8443 ',
      ' localhost:8443',
      'localhost: 8443',
      'localhost :8443',
    ],
    ...[
      'localhost:8443:8443',
      'localhost:8443.',
      'localhost:8443/',
      'localhost:8443@evil.example',
      'localhost:8443,evil',
    ],
    ...[
      'localhost:65536',
      'localhost:-1',
      'localhost:84430',
      'localhost:0x20fb',
      'localhost:\u0668\u0664\u0664\u0663',
      '*',
      'null',
      'undefined',
    ],
    ...[
      '127.0.0.1:8442',
      '127.0.0.1:',
      '[::1]:',
      '[::1]:8442',
      '[::1]8443',
      '::1:8443',
      'https://localhost:8443',
      '//localhost:8443',
    ],
  ];
  const corpus = [
    ...new Set([...names.flatMap((name) => [name + p, name, name.toUpperCase() + p, `${name}:443`]), ...whole]),
  ];
  const foreign = corpus.filter((value) => !loopbackHosts(port).includes(value));

  it('has a corpus of at least 200 foreign spellings', () => expect(foreign.length).toBeGreaterThanOrEqual(200));

  it.each(foreign)('%j is refused', (value) => {
    expect(ask(['Host', value])).toMatchObject({ ok: false, status: 403 });
  });

  it('absent or repeated is refused, even when every value is ours', () => {
    expect(ask([])).toMatchObject({ ok: false, status: 400 });
    expect(ask([...host, ...host])).toMatchObject({ ok: false, status: 400 });
    expect(ask([...host, 'hOST', 'evil.example'])).toMatchObject({ ok: false, status: 400 });
  });
});

describe('Origin', () => {
  const allowed = ['http://localhost:3000'];

  it.each([
    ...['null', '', '*', 'https://evil.example', 'http://evil.example', `http://evil.example:${port}`, 'file://'],
    ...[
      `http://127.0.0.1:${port}`,
      `http://[::1]:${port}`,
      `https://localhost:${port}`,
      'http://localhost',
      'http://localhost:1',
    ],
    ...[
      `http://localhost:${port}/`,
      `http://localhost:${port}.evil.example`,
      `HTTP://LOCALHOST:${port}`,
      'http://192.168.0.1',
    ],
    ...[
      'http://localhost:3000/',
      'https://localhost:3000',
      'http://localhost:30000',
      'http://localhost:3000, http://evil',
    ],
    ...['vscode-webview://abc', 'chrome-extension://abc', `http://user@localhost:${port}`],
  ])('%j is refused, for reads, writes and preflights', (origin) => {
    for (const method of ['GET', 'POST', 'OPTIONS']) {
      const headers = [...host, 'Origin', origin, 'Access-Control-Request-Method', 'POST'];
      expect(ask(headers, method, allowed)).toMatchObject({ ok: false, status: 403 });
    }
  });

  it('that is our own is not foreign, and needs no CORS', () => {
    expect(ask([...host, 'Origin', `http://localhost:${port}`])).toEqual({ ok: true, headers: [], preflight: false });
  });

  it('that the developer listed is returned exactly, never *', () => {
    const verdict = ask([...host, 'Origin', 'http://localhost:3000', 'Sec-Fetch-Site', 'cross-site'], 'POST', allowed);
    expect(verdict.ok && Object.fromEntries(verdict.headers)).toMatchObject({
      'access-control-allow-origin': 'http://localhost:3000',
      vary: 'Origin',
    });
  });

  it('that is repeated is refused, although both are listed', () => {
    const twice = [...host, 'Origin', 'http://localhost:3000', 'Origin', 'http://localhost:3000'];
    expect(ask(twice, 'POST', allowed).ok).toBe(false);
  });

  it('that is listed: a preflight allows the platform headers and no others', () => {
    const asked = 'Authorization, X-Fal-Queue-Priority,x-app-fal-y, content-type,accept,x-evil,x-fal-<script>';
    const headers = ['Access-Control-Request-Method', 'PUT', 'Access-Control-Request-Headers', asked];
    const verdict = ask([...host, 'Origin', 'http://localhost:3000', ...headers], 'OPTIONS', allowed);
    expect(verdict).toMatchObject({ ok: true, preflight: true });
    expect(verdict.ok && Object.fromEntries(verdict.headers)['access-control-allow-headers']).toBe(
      'authorization, x-fal-queue-priority, x-app-fal-y, content-type, accept',
    );
  });
});

describe('Sec-Fetch-Site without an Origin (images, links, forms)', () => {
  it.each([
    ['same-origin', true],
    ['none', true],
    ['cross-site', false],
    ['same-site', false],
    ['', false],
    ['anything', false],
  ])('%j: %s', (site, ok) => {
    expect(ask([...host, 'Sec-Fetch-Site', site], 'GET').ok).toBe(ok);
  });

  it('cross-site next to same-origin is refused', () => {
    expect(ask([...host, 'Sec-Fetch-Site', 'same-origin', 'Sec-Fetch-Site', 'cross-site'], 'GET').ok).toBe(false);
  });
});
