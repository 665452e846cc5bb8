import { describe, expect, it } from 'vitest';
import { createPullProgress } from './images.ts';
import { authHeader, registryHost, registryOf } from './registries.ts';

describe('the progress of a pull', () => {
  it('is the part of the bytes that has arrived and was unpacked, of the layers that are known', () => {
    const progress = createPullProgress();
    const event = (id: string, status: string, current?: number, total?: number) =>
      progress({ id, status, ...(total === undefined ? {} : { progressDetail: { current, total } }) });
    expect(progress({ status: 'Pulling from library/python' })).toBe(0);
    expect(event('a', 'Already exists')).toBe(0);
    expect(event('b', 'Downloading', 50, 100)).toBe(25);
    expect(event('c', 'Downloading', 0, 100)).toBe(12);
    expect(event('b', 'Download complete')).toBe(25);
    expect(event('b', 'Extracting', 100, 100)).toBe(50);
    expect(event('b', 'Pull complete')).toBe(50);
    expect(event('c', 'Download complete')).toBe(75);
    expect(event('c', 'Pull complete')).toBe(100);
  });
});

describe('a registry', () => {
  it.each([
    ['https://index.docker.io/v1/', 'docker.io'],
    ['registry-1.docker.io', 'docker.io'],
    ['docker.io', 'docker.io'],
    ['https://us-docker.pkg.dev/', 'us-docker.pkg.dev'],
    ['123.dkr.ecr.us-east-1.amazonaws.com', '123.dkr.ecr.us-east-1.amazonaws.com'],
    ['http://localhost:5000/v2/', 'localhost:5000'],
  ])('%s is %s', (written, host) => {
    expect(registryHost(written)).toBe(host);
  });

  it.each([
    ['python:3.12', 'docker.io'],
    ['me/app', 'docker.io'],
    ['localhost/app', 'localhost'],
    ['127.0.0.1:5000/app:1', '127.0.0.1:5000'],
    ['ghcr.io/me/app@sha256:0', 'ghcr.io'],
  ])('of the image %s is %s', (reference, host) => {
    expect(registryOf(reference)).toBe(host);
  });

  it('gets its login in a header, and none where there is none', () => {
    expect(authHeader('python', undefined)).toEqual({});
    const header = authHeader('python', { username: 'me', password: 'p>?' })['x-registry-auth'] ?? '';
    const expected = { username: 'me', password: 'p>?', serveraddress: 'https://index.docker.io/v1/' };
    expect(JSON.parse(Buffer.from(header, 'base64url').toString())).toEqual(expected);
  });
});
