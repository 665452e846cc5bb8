import { expect, it } from 'vitest';
import { createEventReader } from './server-events.ts';

const text =
  ': ping\n\nevent: state\nid: e.1\ndata: {"a":1}\n\n\nevent: change\ndata: b\n\ndata: c\n\ndata: unfinished\n';
const events = [
  { type: 'state', data: '{"a":1}', id: 'e.1' },
  { type: 'change', data: 'b', id: undefined },
  { type: 'message', data: 'c', id: undefined },
];

it('has the same events however their text is split', () => {
  for (let size = 1; size <= text.length; size++) {
    const reader = createEventReader();
    const pieces = Array.from({ length: Math.ceil(text.length / size) }, (_, n) =>
      text.slice(n * size, (n + 1) * size),
    );
    expect(pieces.flatMap(reader.read)).toEqual(events);
    expect(reader.read('\n')).toEqual([{ type: 'message', data: 'unfinished', id: undefined }]);
  }
});

it('has a large event that arrives in many pieces', () => {
  const reader = createEventReader();
  const piece = 'x'.repeat(16 * 1024);
  reader.read('data: ');
  for (let n = 0; n < 512; n++) expect(reader.read(piece)).toEqual([]);
  expect(reader.read('\n\n')[0]?.data).toHaveLength(512 * piece.length);
});
