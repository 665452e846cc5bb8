import { expect, it } from 'vitest';
import { followUpUrls, readFollowUp } from './follow-up.ts';

const id = '0f8fad5b-d9cb-469f-a165-70867728950e';

it.each([
  ['GET', `/requests/${id}`, 'result'],
  ['GET', `/requests/${id}/`, 'result'],
  ['GET', `/requests/${id}/response`, 'result'],
  ['GET', `/requests/${id}/status`, 'status'],
  ['GET', `/requests/${id}/status/`, 'status'],
  ['GET', `/requests/${id}/status/stream`, 'stream'],
  ['PUT', `/requests/${id}/cancel`, 'cancel'],
  ['POST', `/requests/${id}/cancel/`, 'cancel'],
  ['GET', `/some/path/requests/${id}/status`, 'status'],
  ['GET', `/requests/1/requests/${id}`, 'result'],
  ['GET', `/requests/${id.toUpperCase()}`, 'result'],
] as const)('%s %s asks for the %s', (method, path, what) => {
  expect(readFollowUp(method, path)).toEqual({ requestId: id, what });
});

it.each([
  ['POST', '/'],
  ['POST', '/requests'],
  ['POST', '/requests/'],
  ['POST', '/requests/list'],
  ['POST', `/requests/${id}/other`],
  ['GET', '/predict'],
])('%s %s is a call of the app', (method, path) => {
  expect(readFollowUp(method, path)).toBeUndefined();
});

it('builds URLs with the host that the caller used', () => {
  expect(followUpUrls('https://localhost:8444', 'me/app--dev', id)).toEqual({
    response_url: `https://localhost:8444/me/app--dev/requests/${id}`,
    status_url: `https://localhost:8444/me/app--dev/requests/${id}/status`,
    cancel_url: `https://localhost:8444/me/app--dev/requests/${id}/cancel`,
  });
});
