import { describe, expect, it } from 'vitest';
import { zipOf } from '../testing/zip.ts';
import { readZip } from './zip.ts';

const read = async (zip: Buffer) => {
  const files: [string, string][] = [];
  for await (const { name, content } of readZip(zip)) files.push([name, content.toString()]);
  return files;
};

describe('a zip archive', () => {
  it('yields its files, stored, deflated and empty ones, and no directories', async () => {
    const zip = zipOf([
      { name: 'a.txt', content: 'a'.repeat(1000) },
      { name: 'd/', content: '', isStored: true },
      { name: 'd/ü', content: 'plain', isStored: true },
      { name: 'empty', content: '' },
    ]);
    expect(await read(zip)).toEqual([
      ['a.txt', 'a'.repeat(1000)],
      ['d/ü', 'plain'],
      ['empty', ''],
    ]);
  });

  it('is refused when it is damaged, encrypted, a bomb, or not an archive', async () => {
    const refused = (zip: Buffer) =>
      expect(read(zip)).rejects.toThrow(/zip archive|encrypted|compression|larger|Zip64/);
    await refused(Buffer.from('no zip'));
    await refused(Buffer.alloc(0));
    await refused(zipOf([{ name: 'a', content: 'x'.repeat(100_000), header: { size: 10 } }]));
    await refused(zipOf([{ name: 'a', content: 'x', header: { check: 1 } }]));
    await refused(zipOf([{ name: 'a', content: 'x', header: { flags: 1 } }]));
    await refused(zipOf([{ name: 'a', content: 'x', header: { method: 99 } }]));
    await refused(zipOf([{ name: 'a', content: 'x', header: { size: 0x7fffffff } }]));
    await refused(zipOf([{ name: 'a', content: 'x', header: { size: 0xffffffff } }]));
  });

  it('that was cut or changed anywhere yields its files or a refusal, never another failure', async () => {
    const zip = zipOf([
      { name: 'a', content: 'hello hello hello' },
      { name: 'b', content: 'stored', isStored: true },
    ]);
    for (let at = 0; at < zip.length; at++) {
      const changed = Buffer.from(zip);
      changed[at] = 255 - (changed[at] ?? 0);
      for (const archive of [zip.subarray(0, at), zip.subarray(at), changed]) {
        try {
          await read(archive);
        } catch (error) {
          expect(error, `at ${at}`).toHaveProperty('name', 'Refusal');
        }
      }
    }
  });
});

it('does not block other work while a large file is unpacked', async () => {
  const zip = zipOf([{ name: 'a', content: 'x'.repeat(64 * 1024 ** 2) }]);
  let turns = 0;
  const counting = setInterval(() => turns++, 1);
  const files = await read(zip);
  clearInterval(counting);
  expect(files[0]?.[1]).toHaveLength(64 * 1024 ** 2);
  expect(turns).toBeGreaterThan(3);
});
