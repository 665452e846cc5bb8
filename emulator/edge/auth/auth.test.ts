import { expect, it } from 'vitest';
import { createAuthenticate } from './auth.ts';

const authenticate = createAuthenticate(
  {
    account: { userId: 'local|me', nickname: 'me', fullName: 'Me' },
    verifyKey: (keyId, secret) =>
      keyId === 'id' && secret === 'se:cret' ? { keyId, scope: 'API', alias: 'a', createdAt: 0 } : undefined,
  },
  { verify: () => undefined },
);

it.each(['Key id:se:cret', 'key id:se:cret', 'Bearer id:se:cret', 'KEY   id:se:cret'])(
  '%s is an identity',
  (authorization) => {
    expect(authenticate({ authorization })).toEqual({ userId: 'local|me', keyId: 'id', scope: 'API' });
  },
);

it.each([
  ...[
    '',
    'Key',
    'Key ',
    'id:se:cret',
    'Basic id:se:cret',
    'Key id',
    'Key :se:cret',
    'Key id:',
    'Key id:se:cre',
    'Key Id:se:cret',
  ],
  ...['Key id:se:cret x', 'Key id:se:cret,Key a:b', 'Bearer eyJ.eyJ.sig', 'Key\tid:se:cret', 'KeyBearer id:se:cret'],
])('%j is not a valid key', (authorization) => {
  expect(authenticate({ authorization })).toBeUndefined();
});

it('without the header there is no identity', () => expect(authenticate({})).toBeUndefined());
