import { expect, it } from 'vitest';
import { exposition } from './exposition.ts';

it('is Prometheus’ text, with what labels may not contain escaped', () => {
  const text = exposition([
    { name: 'a', help: 'First', samples: [{ labels: { app: 'me/one', le: '+Inf' }, value: 2.5 }] },
    { name: 'b', help: 'Second', samples: [{ labels: { method: 'a"b\\c\nd' }, value: 0 }] },
  ]);
  expect(text).toBe(
    [
      ...['# HELP a First', '# TYPE a gauge', 'a{app="me/one",le="+Inf"} 2.5'],
      ...['# HELP b Second', '# TYPE b gauge', 'b{method="a\\"b\\\\c\\nd"} 0', ''],
    ].join('\n'),
  );
});
