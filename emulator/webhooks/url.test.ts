import { describe, expect, it } from 'vitest';
import { isWebhookUrl, mayBeCalled } from './url.ts';

describe('the address of a webhook', () => {
  it.each(['127.0.0.1', '127.8.8.8', '::1', '::ffff:127.0.0.1', '93.184.216.34', '2606:2800:220:1::1'])(
    '%s is called',
    (address) => {
      expect(mayBeCalled(address)).toBe(true);
    },
  );

  it.each([
    '0.0.0.0',
    '10.1.2.3',
    '100.64.0.1',
    '169.254.169.254',
    '172.16.0.1',
    '172.31.255.255',
    '192.168.1.1',
    '224.0.0.1',
    '255.255.255.255',
    '::',
    '::ffff:10.0.0.1',
    '::ffff:a9fe:a9fe',
    '64:ff9b::a00:1',
    'fd00::1',
    'fe80::1',
    'ff02::1',
    'localhost',
    '',
  ])('%s is not', (address) => {
    expect(mayBeCalled(address)).toBe(false);
  });
});

describe('the URL of a webhook', () => {
  it.each([
    ['http://localhost:8000/hook?x=1', true],
    ['https://example.com', true],
    ['ftp://example.com/x', false],
    ['file:///etc/passwd', false],
    ['javascript:alert(1)', false],
    ['example.com/hook', false],
    ['', false],
    ['http://name:pass%40word@example.com/', true],
    ['http://%ff@example.com/', false],
    ['http://name:%zz@example.com/', false],
  ])('%s: %s', (url, expected) => {
    expect(isWebhookUrl(url)).toBe(expected);
  });
});
