import { describe, expect, it } from 'vitest';
import { networkEnvironment, proxyExemptions } from './environment.ts';

const ours = 'localhost,.localhost,127.0.0.1,::1';

describe("the machine's network", () => {
  it('consists of its proxies in both spellings and its certificates, and nothing else', () => {
    const network = {
      HTTP_PROXY: 'http://p:1',
      https_proxy: 'http://p:2',
      all_proxy: 'socks5://p:3',
      NO_PROXY: 'intranet',
      SSL_CERT_FILE: '/ca.pem',
      SSL_CERT_DIR: '/certs',
      REQUESTS_CA_BUNDLE: '/ca.pem',
      CURL_CA_BUNDLE: '/ca.pem',
      NODE_EXTRA_CA_CERTS: '/ca.pem',
      GIT_SSL_CAINFO: '/ca.pem',
    };
    expect(networkEnvironment({ ...network, FAL_KEY: 'id:secret', PATH: '/bin', MY_PROXY: 'x' })).toEqual(network);
  });

  it.each([
    ['no proxy', {}, {}],
    ['no proxy but exceptions', { NO_PROXY: 'a' }, {}],
    ['an empty proxy', { HTTP_PROXY: '' }, {}],
    ['a proxy alone', { HTTPS_PROXY: 'http://p' }, { NO_PROXY: ours, no_proxy: ours }],
    ['a proxy in small letters', { all_proxy: 'http://p' }, { NO_PROXY: ours, no_proxy: ours }],
    [
      'exceptions in one spelling',
      { http_proxy: 'p', NO_PROXY: 'a, b' },
      { NO_PROXY: `a,b,${ours}`, no_proxy: `a,b,${ours}` },
    ],
    [
      'its own in each spelling',
      { http_proxy: 'p', NO_PROXY: 'a', no_proxy: 'b' },
      { NO_PROXY: `a,${ours}`, no_proxy: `b,${ours}` },
    ],
    [
      'exceptions that name us',
      { http_proxy: 'p', no_proxy: `::1,x,${ours}` },
      { NO_PROXY: '::1,x,localhost,.localhost,127.0.0.1', no_proxy: '::1,x,localhost,.localhost,127.0.0.1' },
    ],
    [
      'everything exempted',
      { http_proxy: 'p', no_proxy: 'a,*' },
      { NO_PROXY: '*', no_proxy: '*', no_grpc_proxy: ours },
    ],
    [
      'exceptions of gRPC',
      { grpc_proxy: 'p', no_grpc_proxy: 'a b' },
      { NO_PROXY: ours, no_proxy: ours, no_grpc_proxy: `a,b,${ours}` },
    ],
  ])('with %s', (_, env, exemptions) => {
    expect(proxyExemptions(env)).toEqual(exemptions);
  });
});
