import { expect, it } from 'vitest';
import { describeMissing } from './missing.ts';

it.each([
  ['[Errno 1] unshare: Operation not permitted', 'apparmor_restrict_unprivileged_userns=0'],
  ['[Errno 28] unshare: No space left on device', 'sudo sysctl user.max_user_namespaces=15000'],
])('names the step for %s', (why, step) => {
  expect(describeMissing({ part: 'disk', why })).toContain(step);
});
