import { expect, it } from 'vitest';
import { bodyFramer } from './frames.ts';

it('buffers a JSON text until it is complete, but only up to the limit', () => {
  const framer = bodyFramer('application/json', 10);
  expect(framer.push(Buffer.from('[1,2,'))).toEqual([]);
  expect(framer.push(Buffer.from('3,4]'))).toEqual([]);
  expect(framer.end()).toEqual([{ data: '[1,2,3,4]', binary: false }]);
  const endless = bodyFramer('application/json', 10);
  endless.push(Buffer.from('[1,2,3,4,5'));
  expect(() => endless.push(Buffer.from(','))).toThrow('more than 10 bytes');
});
