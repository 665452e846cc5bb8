import { describe, expect, it } from 'vitest';
import { zipOf } from './test-zip.ts';
import { readZip } from './zip.ts';

const read = (zip: Buffer) => [...readZip(zip)].map(({ name, content }) => [name, content.toString()]);

describe('a zip archive', () => {
  it('gives its files, stored and deflated, empty ones too, and no directories', () => {
    const zip = zipOf([
      { name: 'a.txt', content: 'a'.repeat(1000) },
      { name: 'd/', content: '', isStored: true },
      { name: 'd/ü', content: 'plain', isStored: true },
      { name: 'empty', content: '' },
    ]);
    expect(read(zip)).toEqual([
      ['a.txt', 'a'.repeat(1000)],
      ['d/ü', 'plain'],
      ['empty', ''],
    ]);
  });

  it('is refused when it is damaged, encrypted, a bomb or no archive at all', () => {
    const refused = (zip: Buffer) => expect(() => read(zip)).toThrow(/zip archive|encrypted|compression|larger|Zip64/);
    refused(Buffer.from('no zip'));
    refused(Buffer.alloc(0));
    refused(zipOf([{ name: 'a', content: 'x'.repeat(100_000), says: { size: 10 } }]));
    refused(zipOf([{ name: 'a', content: 'x', says: { check: 1 } }]));
    refused(zipOf([{ name: 'a', content: 'x', says: { flags: 1 } }]));
    refused(zipOf([{ name: 'a', content: 'x', says: { method: 99 } }]));
    refused(zipOf([{ name: 'a', content: 'x', says: { size: 0x7fffffff } }]));
    refused(zipOf([{ name: 'a', content: 'x', says: { size: 0xffffffff } }]));
  });

  it('cut or changed anywhere gives its files or a refusal, never another failure', () => {
    const zip = zipOf([
      { name: 'a', content: 'hello hello hello' },
      { name: 'b', content: 'stored', isStored: true },
    ]);
    for (let at = 0; at < zip.length; at++) {
      const changed = Buffer.from(zip);
      changed[at] = 255 - (changed[at] ?? 0);
      for (const archive of [zip.subarray(0, at), zip.subarray(at), changed]) {
        try {
          read(archive);
        } catch (error) {
          expect(error, `at ${at}`).toHaveProperty('name', 'Refusal');
        }
      }
    }
  });
});
