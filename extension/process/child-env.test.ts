import { expect, it } from 'vitest';
import { childEnv, localEnv } from './child-env.ts';

const editor = {
  PATH: '/bin',
  VSCODE_IPC_HOOK: 'x',
  ELECTRON_RUN_AS_NODE: '1',
  NODE_OPTIONS: '--require x',
  FAL_KEY: 'cloud',
  FAL_REGION: 'us',
  EMPTY: undefined,
};

it('child processes get none of the editor’s own variables', () => {
  expect(childEnv(editor)).toEqual({ PATH: '/bin', FAL_KEY: 'cloud', FAL_REGION: 'us' });
});

it('fal’s tools get the emulator’s variables, and no variables for the cloud', () => {
  expect(localEnv(editor, { FAL_KEY: 'local', SSL_CERT_FILE: '/ca' })).toEqual({
    PATH: '/bin',
    FAL_KEY: 'local',
    SSL_CERT_FILE: '/ca',
  });
});
