import { expect, it } from 'vitest';
import { rowsOf } from './testing/rows.ts';

interface Row {
  readonly same: boolean;
  readonly found: readonly string[];
  readonly later: readonly (readonly string[])[];
}

it('the loader finds the submodules that an app uses as cloudpickle does', { timeout: 600_000 }, async () => {
  const [row] = await rowsOf<Row>('pickles.py');
  expect(row?.same).toBe(true);
  expect(row?.found).toEqual(
    expect.arrayContaining(['concurrent.futures', 'email.mime', 'email.mime.text', 'xml.etree.ElementTree']),
  );
  expect(row?.found).not.toContain('xml.dom.minidom');
  expect(row?.later).toEqual([
    ['xml.sax', 'xml.sax.saxutils'],
    ['xml.sax', 'xml.sax.saxutils'],
  ]);
});
