import { describe, expect, it } from 'vitest';
import {
  addressIn,
  addressOfSchema,
  answerName,
  fileStem,
  formatAddress,
  isOfCall,
  parseAddress,
  schemaUri,
} from './address.ts';

describe('the address of a call', () => {
  it.each([
    ['fal-call:/services/img/app.py::Painter/slow', { file: 'services/img/app.py', app: 'Painter', path: '/slow' }],
    ['fal-call:/app.py::Painter', { file: 'app.py', app: 'Painter', path: '/' }],
    ['fal-call:/my app/a::b.py::img-prod/v1/run', { file: 'my app/a::b.py', app: 'img-prod', path: '/v1/run' }],
    ['fal-call:/@models/app.py::Painter/slow', { file: '@models/app.py', app: 'Painter', path: '/slow' }],
    ['fal-call:/app.py::Painter/items/{id}', { file: 'app.py', app: 'Painter', path: '/items/{id}' }],
    ['fal-call:/@my-alias/slow', { alias: 'my-alias', path: '/slow' }],
    ['fal-call:/@my-alias', { alias: 'my-alias', path: '/' }],
  ])('%s is read and written', (text, address) => {
    expect(parseAddress(text)).toEqual(address);
    expect(formatAddress(address)).toBe(text);
  });

  it.each(['', 'https://example.com/schema.json', 'fal-call:', 'fal-call:/', 'fal-call:/app.py', 'fal-call:/@', '::A'])(
    '%j is none',
    (text) => expect(parseAddress(text)).toBeUndefined(),
  );

  it('is found in a document in the middle of an edit', () => {
    const address = { file: 'app.py', app: 'Painter', path: '/slow' };
    expect(addressIn('{\n  "$schema": "fal-call:/app.py::Painter/slow",\n  "prompt": "a')).toEqual(address);
    expect(addressIn('{ "prompt": 1, "$schema" :"fal-call:/app.py::Painter/slow"')).toEqual(address);
    expect(addressIn('{ "$schema": "fal-call:/app.py::Pai')).toBeUndefined();
    expect(addressIn('{ "$schema": "\\x" }')).toBeUndefined();
  });

  it('is searched only at the beginning of a document', () => {
    expect(addressIn(`${' '.repeat(100_000)}"$schema": "fal-call:/app.py::A"`)).toBeUndefined();
  });

  it('gives names to files', () => {
    expect(answerName({ file: 'a.py', app: 'Painter', path: '/v1/slow' }, 'POST')).toBe(
      'Painter · POST ∕v1∕slow answer',
    );
    expect(answerName({ alias: '../\n', path: `/${'x'.repeat(99)}` }, 'GET')).toHaveLength(87);
    expect(fileStem({ file: 'a.py', app: 'Painter', path: '/v1/slow' })).toBe('painter-v1-slow');
    expect(fileStem({ alias: '../..', path: '/' })).toBe('call');
  });

  it.each([
    { file: 'services/img/app.py', app: 'Painter', path: '/items/{id}' },
    { alias: 'mein-ö', path: '/' },
  ])('%o has a schema whose URI needs no escapes', (address) => {
    expect(schemaUri(address)).toMatch(/^fal-call:\/\/schema\/[0-9a-f]+$/);
    expect(addressOfSchema({ path: schemaUri(address).slice('fal-call://schema'.length) })).toEqual(address);
  });
});

it.each([
  ['fal-call', '/project/shop.fal.json', true],
  ['fal-call', '/Shop · POST / answer.fal.json', true],
  ['file', '/work/shop.fal.json', true],
  ['file', '/work/shop.json', false],
  ['file', '/work/shop.py', false],
])('a document %s:%s: a call is %s', (scheme, path, expected) => expect(isOfCall({ scheme, path })).toBe(expected));
